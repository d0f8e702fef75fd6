import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { batchDelay } from "./batch-delay.ts";
import type { Bench } from "./bench.ts";
import { compression } from "./compression.ts";
import { cost } from "./cost.ts";
import { dedupMemory } from "./dedup-memory.ts";
import { handover } from "./handover.ts";
import { handshake } from "./handshake.ts";
import { hostileReader } from "./hostile-reader.ts";
import { hotRoom } from "./hot-room.ts";
import { idleInstance } from "./idle-instance.ts";
import { jitter } from "./jitter.ts";
import { kill } from "./kill.ts";
import { manyRooms } from "./many-rooms.ts";
import { presence } from "./presence.ts";
import { publishCost } from "./publish-cost.ts";
import { reconnectStorm } from "./reconnect-storm.ts";
import { formatReport } from "./report.ts";
import { rollout } from "./rollout.ts";
import { startup } from "./startup.ts";
import { stoppedReaders } from "./stopped-readers.ts";

// `npm run bench <name> [-- --json] [--option number]`: measures, prints, and fails when messages went wrong. A slow
// machine never fails a run.

/** A mistake on the command line: its message is for the user, a stack would not help. */
class UsageError extends Error {}

const benches: Readonly<Record<string, Bench>> = {
  "hot-room": hotRoom,
  "many-rooms": manyRooms,
  "batch-delay": batchDelay,
  compression,
  "idle-instance": idleInstance,
  startup,
  "publish-cost": publishCost,
  "dedup-memory": dedupMemory,
  jitter,
  kill,
  "reconnect-storm": reconnectStorm,
  "hostile-reader": hostileReader,
  "stopped-readers": stoppedReaders,
  handover,
  rollout,
  handshake,
  presence,
  cost,
};

const built = fileURLToPath(new URL("../../app/dist/main.mjs", import.meta.url));

try {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined) console.log(usage());
  else await runBench(name, args);
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}

async function runBench(name: string, args: string[]): Promise<void> {
  const bench = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (bench === undefined) throw new UsageError(`There is no bench "${name}".\n\n${usage()}`);
  const { json, values } = readArguments(bench, args);
  if (!existsSync(built)) throw new UsageError("There is no app/dist/main.mjs to measure. Run `npm run build` first.");
  const report = await bench.run(values);
  if (json) console.log(JSON.stringify({ bench: name, options: values, ...report }));
  else console.log(`\n${name}: ${bench.summary}\n\n${formatReport(report)}`);
  if (report.failures.length > 0) process.exitCode = 1;
}

function readArguments(bench: Bench, args: string[]): { json: boolean; values: Record<string, number> } {
  const names = Object.keys(bench.options);
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  const parsed = parse(args, options);
  const values = Object.entries(bench.options).map(([name, { default: usual }]) => {
    const text = parsed[name];
    const value = typeof text === "string" ? Number(text) : usual;
    if (!(Number.isFinite(value) && value >= 0)) throw new UsageError(`--${name}: expected a number, got "${text}"`);
    return [name, value] as const;
  });
  return { json: parsed.json === true, values: Object.fromEntries(values) };
}

function parse(args: string[], options: Record<string, { type: "string" }>): Record<string, unknown> {
  try {
    return parseArgs({ args, options: { ...options, json: { type: "boolean" } } }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${usage()}`);
  }
}

function usage(): string {
  const lines = Object.entries(benches).flatMap(([name, { summary, options }]) => [
    `  ${name.padEnd(16)} ${summary}`,
    ...Object.entries(options).map(
      ([option, { meaning, default: usual }]) => `  ${"".padEnd(18)}--${option} (${usual}): ${meaning}`,
    ),
  ]);
  return ["npm run bench <name> [-- --json] [-- --option number]", "", ...lines].join("\n");
}
