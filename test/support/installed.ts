import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";

// What some tests need beside Node.js and npm. Where it is missing, the embedded Valkey stands in for Redis, and what
// Valkey or Node.js cannot do is skipped.

export const redisServerBinary = process.env.REDIS_SERVER || "redis-server";
export const chromiumPath = process.env.CHROMIUM || "/usr/bin/chromium";

/** Whether this machine has a redis-server (or the `REDIS_SERVER` of the environment). */
export const redisServerInstalled = runs(redisServerBinary);
/** Whether this machine has a Chromium (or the `CHROMIUM` of the environment). */
export const chromiumInstalled = existsSync(chromiumPath);

/** Whether this machine has an nginx. */
export const nginxInstalled = runs("nginx", "-v");

/** The packages, by their names on Debian, that would have to be installed for nothing to be skipped. */
export function missingPackages(): string[] {
  const packages = {
    "redis-server": redisServerInstalled,
    chromium: chromiumInstalled,
    "nginx-light": nginxInstalled,
    // It lets a process live at another time.
    faketime: runs("faketime"),
  };
  return Object.entries(packages).flatMap(([name, isInstalled]) => (isInstalled ? [] : [name]));
}

function runs(binary: string, question = "--version"): boolean {
  return spawnSync(binary, [question]).status === 0;
}
