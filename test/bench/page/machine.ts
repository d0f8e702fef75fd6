import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem, type } from "node:os";
import { fileURLToPath } from "node:url";
import * as z from "zod";
import { redisServerBinary } from "../../support/installed.ts";
import type { Results } from "./results.ts";

const packageShape = z.object({ version: z.string() });
const repository = fileURLToPath(new URL("../../..", import.meta.url));

/** What everything was measured on: neither the name of the machine nor a path of it. */
export function describeMachine(): Results["machine"] {
  return {
    cpu: (cpus()[0]?.model ?? "unknown").replace(/\s+/g, " ").trim(),
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    kernel: `${type()} ${release()}`,
  };
}

export function describeVersions(): Results["versions"] {
  const redis = /v=(\S+)/.exec(output(redisServerBinary, "--version"))?.[1];
  return {
    "Node.js": process.versions.node,
    Redis: redis ?? "embedded Valkey",
    "Socket.IO": versionOf("node_modules/socket.io/package.json"),
    Holdfast: versionOf("server/package.json"),
    "Last commit": output("git", "log", "-1", "--format=%cs").trim() || "unknown",
  };
}

function versionOf(file: string): string {
  return packageShape.parse(JSON.parse(readFileSync(`${repository}${file}`, "utf8"))).version;
}

/** What a command prints; nothing where there is no such command. */
function output(command: string, ...args: string[]): string {
  try {
    return execFileSync(command, args, { cwd: repository, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return "";
  }
}
