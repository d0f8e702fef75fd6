import { cpuMicroseconds } from "../../support/cpu-time.ts";
import { defineBench, progress } from "../bench.ts";
import type { Lines } from "../plot.ts";
import type { Figure } from "../report.ts";
import { baseline, holdfast, plain } from "../rig/contestants.ts";
import type { Kind } from "../rig/deployment.ts";
import type { Counts } from "../rig/histogram.ts";
import { type CommandCounts, countsBetween, RedisInspector } from "../rig/measure.ts";
import { startWeather } from "./bad-weather.ts";
import type { Summary } from "./member-record.ts";
import { weatherFailures, weatherFigures } from "./weather-report.ts";

const BUCKET_MS = 100;
const MESSAGES_PER_SECOND = 10;
const MESSAGES = 30;

const sides = [holdfast, plain];

interface Storm {
  readonly summary: Summary;
  /** Redis commands of the whole storm, those inside scripts included. */
  readonly commands: CommandCounts;
  readonly serverCpuMs: number;
}

export const reconnectStorm = defineBench<"clients">({
  summary: "all clients of one instance are cut at once: when they arrive again, and what that costs",
  options: { clients: { default: 1_000, meaning: "clients in one room on one instance" } },
  async run({ clients }) {
    const storms: Storm[] = [];
    for (const { kind } of sides) storms.push(await runSide(kind, clients));
    const summaries = storms.map(({ summary }) => summary);
    const names = sides.map(({ name }) => name);
    const arrivals = summaries.map(({ reconnectMs }) => buckets(reconnectMs));
    const [ours] = summaries;
    if (ours === undefined) throw new Error("expected at least one side");
    return {
      columns: names,
      ...baseline(sides),
      figures: [
        ...weatherFigures(summaries),
        {
          name: "server CPU of the storm",
          unit: "ms",
          values: storms.map(({ serverCpuMs }) => serverCpuMs),
          isCompared: true,
        },
        { name: "script calls in Redis", unit: "", values: storms.map(({ commands }) => commands.get("evalsha") ?? 0) },
        { name: `most arrivals in ${BUCKET_MS} ms`, unit: "", values: arrivals.map((counts) => Math.max(...counts)) },
        ...histogramRows(arrivals),
      ],
      targets: [
        // Spread over a second, a tenth of the clients comes in each bucket; twice that counts as a burst.
        { name: "most arrivals in 100 ms", unit: "", value: Math.max(...(arrivals[0] ?? [])), atMost: clients / 5 },
      ],
      failures: [
        ...weatherFailures(ours),
        ...(ours.outages >= clients ? [] : [`expected every client to be cut, got ${ours.outages} of ${clients}`]),
      ],
      plots: [arrivalsPlot(names, arrivals)],
    };
  },
});

async function runSide(kind: Kind, clients: number): Promise<Storm> {
  await using weather = await startWeather({ kind, clients, instances: 1, publishers: 1, onlineHint: false });
  await using inspector = await new RedisInspector(weather.deployment.redis.url).connect();
  progress(`${kind}: ${clients} clients are there`);
  const before = await inspector.commandCounts();
  const cpuUs = cpuMicroseconds(weather.deployment.servers);
  const [acknowledged] = await Promise.all([
    weather.publishers.call("publish", { messages: MESSAGES, messagesPerSecond: MESSAGES_PER_SECOND }),
    ...weather.members.map((worker) => worker.call("cutAll", { offlineMs: 0 })),
  ]);
  await weather.calm();
  return {
    summary: await weather.summarize(acknowledged),
    commands: countsBetween(before, await inspector.commandCounts()),
    serverCpuMs: (cpuMicroseconds(weather.deployment.servers) - cpuUs) / 1000,
  };
}

function buckets(counts: Counts): number[] {
  const result = Array.from({ length: Math.ceil(counts.length / BUCKET_MS) }, () => 0);
  for (const [ms, count] of counts.entries()) {
    const index = Math.floor(ms / BUCKET_MS);
    result[index] = (result[index] ?? 0) + count;
  }
  return result;
}

function arrivalsPlot(names: readonly string[], arrivals: readonly (readonly number[])[]): Lines {
  return {
    kind: "lines",
    title: "When the clients arrived again",
    x: { name: "seconds after the cut" },
    y: { name: `clients in ${BUCKET_MS} ms` },
    lines: arrivals.map((counts, index) => ({
      name: names[index] ?? "",
      points: counts.map((y, bucket) => ({ x: (bucket * BUCKET_MS) / 1000, y })),
    })),
  };
}

function histogramRows(arrivals: readonly (readonly number[])[]): Figure[] {
  const length = Math.max(...arrivals.map((counts) => counts.length));
  return Array.from({ length }, (_, index) => ({
    name: `  arrivals from ${index * BUCKET_MS} ms on`,
    unit: "",
    values: arrivals.map((counts) => counts[index] ?? 0),
  }));
}
