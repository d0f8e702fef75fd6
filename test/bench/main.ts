import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { Bench } from "./bench.ts";
import { handshake } from "./connections/handshake.ts";
import { cost } from "./platform/cost.ts";
import { handover } from "./platform/handover.ts";
import { startup } from "./platform/startup.ts";
import { presence } from "./presence/presence.ts";
import { dedupMemory } from "./publishing/dedup-memory.ts";
import { publishCost } from "./publishing/publish-cost.ts";
import { hostileReader } from "./readers/hostile-reader.ts";
import { stoppedReaders } from "./readers/stopped-readers.ts";
import { formatReport } from "./report.ts";
import { batchDelay } from "./rooms/batch-delay.ts";
import { hotRoom } from "./rooms/hot-room.ts";
import { idleInstance } from "./rooms/idle-instance.ts";
import { manyRooms } from "./rooms/many-rooms.ts";
import { jitter } from "./weather/jitter.ts";
import { kill } from "./weather/kill.ts";
import { reconnectStorm } from "./weather/reconnect-storm.ts";
import { rollout } from "./weather/rollout.ts";

// `npm run bench <name> [-- --json] [--option number]`: measures, prints, and fails when messages went wrong. A slow
// machine never fails a run.

/** A mistake on the command line: its message is for the user, a stack would not help. */
class UsageError extends Error {}

const benches: Readonly<Record<string, Bench>> = {
  "hot-room": hotRoom,
  "many-rooms": manyRooms,
  "batch-delay": batchDelay,
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
