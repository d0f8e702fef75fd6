import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const command = join(repository, "node_modules/.bin/s");

/** The same for the text of a resource file. */
export async function previewOf(text: string, env: Readonly<Record<string, string>>): Promise<unknown> {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-s-yaml-"));
  try {
    const file = join(folder, "s.yaml");
    await writeFile(file, text);
    return await preview(file, env);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * A resource file as Serverless Devs resolves it, offline, with `env` as the deploying shell's environment.
 *
 * @param file - relative to the repository, or absolute
 * @throws with what the command printed, when the file's YAML, `vars` or `env` cannot be resolved
 */
export async function preview(file: string, env: Readonly<Record<string, string>>): Promise<unknown> {
  const home = await mkdtemp(join(tmpdir(), "holdfast-s-"));
  try {
    const { stdout } = await promisify(execFile)(command, ["preview", "-t", file, "-o", "json"], {
      cwd: repository,
      env: {
        PATH: process.env.PATH,
        // Its logs and its update marker, which else are in the user's home.
        HOME: home,
        serverless_devs_config_home: home,
        // Keeps it from starting its background processes, which look for updates and report usage over the network.
        NODE_ENV: "test",
        ...env,
      },
      timeout: 30_000,
    });
    // Warnings, such as one about running as root, come first.
    return JSON.parse(stdout.slice(stdout.search(/^\{/m)));
  } catch (error) {
    const { stdout = "" } = error as { stdout?: string };
    throw new Error(`expected ${file} to resolve, got: ${stdout}`, { cause: error });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
