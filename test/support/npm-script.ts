import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.ts";
import { type Exit, ManagedProcess } from "./managed-process.ts";
import { uniquePrefix } from "./unique.ts";
import { waitFor, withTimeout } from "./wait.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));

export interface ScriptOptions {
  /** Default: none, so that the embedded Valkey stands in. */
  readonly redisUrl?: string;
  /** Default 60. */
  readonly drainSeconds?: number;
  /** Default: the repository. */
  readonly cwd?: string;
}

export interface NpmScript {
  readonly child: ManagedProcess;
  readonly url: string;
  /** Waits until it has printed this text so many times. */
  has(text: string, times?: number): Promise<unknown>;
}

/**
 * Runs `npm run …` in a process group of its own, and resolves when its server listens. Signals go to the whole group,
 * as those of a terminal do: npm and its shell get them as well.
 */
export async function runScript(script: string, options: ScriptOptions = {}): Promise<NpmScript> {
  const { redisUrl, drainSeconds = 60, cwd = repository } = options;
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const child = new ManagedProcess({
    command: "npm",
    args: ["run", script],
    env: {
      PATH,
      HOME,
      npm_config_update_notifier: "false",
      PORT: String(port),
      REDIS_URL: redisUrl ?? "",
      KEY_PREFIX: uniquePrefix(),
      DRAIN_SECONDS: String(drainSeconds),
    },
    cwd,
    group: true,
  });
  const has = (text: string, times = 1) =>
    waitFor(() => child.output.split(text).length > times, `"${text}" in the output, ${times} times`, 20_000);
  try {
    await has('"msg":"listening"');
  } catch (error) {
    await child.kill();
    throw error;
  }
  return { child, has, url: `http://127.0.0.1:${port}` };
}

/** Npm tells neither code nor signal of the server where the shell between them got the SIGINT, too. */
export function ended(child: ManagedProcess): Promise<Exit> {
  return withTimeout(child.exit, "npm and all below it to end", 5_000);
}

/** A copy of what the scripts need, for those that write the build that other tests run. */
export interface ProjectCopy extends Disposable {
  readonly folder: string;
}

export function copyOfTheProject(): ProjectCopy {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-project-"));
  for (const part of ["package.json", "tsconfig.json", "scripts", "client", "server", "app"]) {
    cpSync(join(repository, part), join(folder, part), {
      recursive: true,
      filter: (path) => !/\/(dist|node_modules)$/.test(path),
    });
  }
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  return {
    folder,
    [Symbol.dispose]() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
