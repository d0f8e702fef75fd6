import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const repository = fileURLToPath(new URL("../..", import.meta.url));
const execute = promisify(execFile);

/** The two packages as `npm pack` makes them. */
export interface Tarballs {
  readonly client: string;
  readonly server: string;
  /** The folder in which they were packed. */
  readonly copy: string;
}

/**
 * Packs both libraries in a copy of what they are made of: packing changes the manifest for a moment, which other tests
 * read at the same time.
 */
export async function packBoth(): Promise<Tarballs & AsyncDisposable> {
  const root = await mkdtemp(join(tmpdir(), "holdfast-packed-"));
  const dispose = () => rm(root, { recursive: true, force: true });
  try {
    const copy = join(root, "copy");
    const tarballs = join(root, "tarballs");
    for (const path of [copy, tarballs]) await mkdir(path);
    for (const part of [
      "package.json",
      "tsconfig.json",
      "LICENSE",
      "README.md",
      "app",
      "client",
      "server",
      "scripts",
    ]) {
      const filter = (source: string) => !source.endsWith("node_modules");
      await cp(join(repository, part), join(copy, part), { recursive: true, preserveTimestamps: true, filter });
    }
    await symlink(join(repository, "node_modules"), join(copy, "node_modules"));
    await run("npm", ["pack", "-w", "client", "-w", "server", "--pack-destination", tarballs], copy);
    const { version } = await import("../../client/package.json", { with: { type: "json" } }).then((it) => it.default);
    return {
      copy,
      client: join(tarballs, `holdfast-client-${version}.tgz`),
      server: join(tarballs, `holdfast-server-${version}.tgz`),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** Installs into `folder` what its package.json asks for, and `packages` beside it. */
export async function npmInstall(folder: string, packages: readonly string[]): Promise<void> {
  await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", ...packages], folder);
}

/** Runs a command with nothing of the tests' own environment but the paths; gives what it printed. Rejects with it, too. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, npm_config_update_notifier: "false" };
  try {
    return (await execute(command, args, { cwd, env, timeout: 120_000, maxBuffer: 16 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(`${command} ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause: error });
  }
}

/** The entries of a tarball, without the folder that npm puts them in. */
export async function entriesOf(tarball: string): Promise<string[]> {
  const listed = await run("tar", ["-tzf", tarball], tmpdir());
  return listed
    .trim()
    .split("\n")
    .map((entry) => entry.replace(/^package\//, ""))
    .sort();
}
