import { defineBench } from "../bench.ts";
import { bars, percentiles } from "../plots.ts";
import type { Figure, Report } from "../report.ts";
import { baseline, type Contestant, choices, chosen } from "../rig/contestants.ts";
import { percentileOf } from "../rig/histogram.ts";
import { readSystemLimits, whyTooMany } from "../rig/system-limits.ts";
import { UsageError } from "../usage-error.ts";
import { type IdleSide, measureIdle } from "./idle-side.ts";

type Values = Readonly<Record<"clients" | "members" | "seconds" | "sharded", number>>;

export const idleConnections = defineBench<keyof Values>({
  summary: "thousands of idle connections on one instance: time to connect, memory, CPU and delay at rest",
  options: {
    clients: { default: 10_000, meaning: "connections, each a member of one room" },
    members: { default: 20, meaning: "members of each room" },
    seconds: { default: 25, meaning: "seconds of rest that are measured; plain Socket.IO pings every 25 s" },
    sharded: choices.sharded,
  },
  async run(values) {
    const problem = whyTooMany(values.clients, readSystemLimits());
    if (problem !== undefined) throw new UsageError(problem);
    const contestants = chosen(values);
    const sides: IdleSide[] = [];
    for (const contestant of contestants) sides.push(await measureIdle(contestant, values));
    return report(contestants, sides, values);
  },
});

function report(contestants: readonly Contestant[], sides: readonly IdleSide[], { clients }: Values): Report {
  const names = contestants.map(({ name }) => name);
  const row = (name: string, unit: string, value: (side: IdleSide) => number): Figure => ({
    name,
    unit,
    values: sides.map(value),
  });
  const compared = (...of: Parameters<typeof row>): Figure => ({ ...row(...of), isCompared: true });
  const memory = compared(
    "heap and buffers after a collection, each connection",
    "bytes",
    (side) => side.each.keptBytes,
  );
  return {
    columns: names,
    ...baseline(contestants),
    figures: [
      row("time to connect and join all", "s", ({ connectSeconds }) => connectSeconds),
      row("connections per second", "", ({ connectSeconds }) => clients / connectSeconds),
      row("connect and join, p50", "ms", ({ joinMs }) => percentileOf(joinMs, 0.5)),
      row("connect and join, p99", "ms", ({ joinMs }) => percentileOf(joinMs, 0.99)),
      compared("server CPU per connect and join", "us", ({ usPerJoin }) => usPerJoin),
      row("Redis CPU per connect and join", "us", ({ redisUsPerJoin }) => redisUsPerJoin),
      row("commands at Redis per connect and join", "", ({ commandsPerJoin }) => commandsPerJoin),
      memory,
      compared("resident memory, each connection", "bytes", ({ each }) => each.residentBytes),
      row("memory of Redis, each connection", "bytes", ({ redisBytesEach }) => redisBytesEach),
      compared("CPU at rest", "% of a core", ({ restUsPerSecond }) => restUsPerSecond / 10_000),
      compared("CPU at rest, each connection", "us per second", (side) => side.restUsPerSecond / clients),
      row("CPU of Redis at rest", "% of a core", ({ restRedisUsPerSecond }) => restRedisUsPerSecond / 10_000),
      row("commands at Redis at rest", "per second", ({ restCommandsPerSecond }) => restCommandsPerSecond),
      row("event loop late at rest, p50", "ms", ({ loop }) => loop.p50Ms),
      row("event loop late at rest, p99", "ms", ({ loop }) => loop.p99Ms),
      row("event loop late at rest, longest", "ms", ({ loop }) => loop.longestMs),
    ],
    targets: [],
    failures: sides.flatMap(({ open }, index) =>
      open === clients ? [] : [`${names[index]}: expected ${clients} open connections at the end, got ${open}`],
    ),
    plots: [
      bars("Kept in memory for each connection", names, [memory]),
      percentiles(
        "From a connection's first byte to its membership",
        "ms",
        Object.fromEntries(sides.map(({ joinMs }, index) => [names[index] ?? "", joinMs])),
      ),
    ],
  };
}
