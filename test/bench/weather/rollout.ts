import { setTimeout as delay } from "node:timers/promises";
import type { ServerProcess } from "../../support/server-process.ts";
import { defineBench, progress } from "../bench.ts";
import type { Plot } from "../plot.ts";
import { percentiles, timeLine } from "../plots.ts";
import type { Figure } from "../report.ts";
import { holdfast, withRecovery } from "../rig/contestants.ts";
import type { Kind } from "../rig/deployment.ts";
import { meanOf, percentileOf } from "../rig/histogram.ts";
import { startWeather, type Weather } from "./bad-weather.ts";
import type { Summary } from "./member-record.ts";
import { weatherFailures } from "./weather-report.ts";

const sides = [holdfast, withRecovery];

const publishers = 4;
/** Publishing ends with the rollout, and long before this. */
const longestSeconds = 600;
const movesAtMost = 2;
const silenceAtMostMs = 250;

type Values = Readonly<Record<"clients" | "instances" | "rate" | "drain" | "grace" | "surge" | "stock", number>>;

/** What a rollout did to the clients and to the instances. */
interface Outcome extends Summary {
  /** For each old instance: milliseconds from SIGTERM to its end. */
  readonly endedMs: readonly number[];
  /** Instances that had to be killed, because the grace was over. */
  readonly killed: number;
  /** Connections that the members attempted meanwhile. */
  readonly attempts: number;
}

export const rollout = defineBench<keyof Values>({
  summary: "every instance is replaced under load, as a deployment does: what the clients notice of it",
  options: {
    clients: { default: 2_000, meaning: "clients in one room on all instances, on each side" },
    instances: { default: 4, meaning: "instances, which are replaced one after the other" },
    rate: { default: 20, meaning: "messages per second" },
    drain: { default: 8, meaning: "seconds of DRAIN_SECONDS" },
    grace: { default: 10, meaning: "seconds from SIGTERM to SIGKILL" },
    surge: { default: 0, meaning: "1 starts each new instance before the old one is stopped" },
    stock: { default: 1, meaning: "0 leaves out stock Socket.IO" },
  },
  async run(values) {
    const shown = values.stock === 0 ? sides.slice(0, 1) : sides;
    const outcomes: Outcome[] = [];
    for (const { kind } of shown) outcomes.push(await runSide(kind, values));
    const [ours] = outcomes;
    if (ours === undefined) throw new Error("expected at least one side");
    const { drain, grace } = values;
    const names = shown.map(({ name }) => name);
    const endAtMostMs = 1000 * Math.min(grace, drain + 1);
    return {
      columns: names,
      against: 1,
      figures: figuresOf(outcomes),
      targets: [
        { name: "longest silence p99", unit: "ms", value: percentileOf(ours.silenceMs, 0.99), atMost: silenceAtMostMs },
        { name: "moves of one client", unit: "", value: percentileOf(ours.moves, 1), atMost: movesAtMost },
        { name: "SIGTERM to the end, longest", unit: "ms", value: Math.max(...ours.endedMs), atMost: endAtMostMs },
      ],
      failures: [
        ...weatherFailures(ours),
        ...(ours.outages > 0 ? [`${ours.outages} connections were cut`] : []),
        ...(ours.killed > 0 ? [`${ours.killed} instances had not ended within the grace`] : []),
      ],
      plots: plotsOf(names, outcomes),
    };
  },
});

async function runSide(kind: Kind, values: Values): Promise<Outcome> {
  const { clients, instances, rate, drain } = values;
  const env = { DRAIN_SECONDS: String(drain), BUILD: "1" };
  await using weather = await startWeather({ kind, clients, instances, publishers, onlineHint: false, env });
  progress(`${kind}: ${clients} clients are there`);
  const attemptsBefore = await weather.attempts();
  const [acknowledged, replaced] = await Promise.all([
    weather.publishers.call("publish", { messages: rate * longestSeconds, messagesPerSecond: rate }),
    replaceAll(weather, values).finally(() => weather.publishers.call("stopPublishing", null)),
  ]);
  await weather.calm();
  const attempts = (await weather.attempts()) - attemptsBefore;
  return { ...(await weather.summarize(acknowledged)), ...replaced, attempts };
}

/** Replaces the instances that are there, one after the other, behind a load balancer that knows which of them serve. */
async function replaceAll(weather: Weather, { surge, grace }: Values): Promise<Pick<Outcome, "endedMs" | "killed">> {
  const old = [...weather.deployment.servers];
  const serving = new Set(old);
  const route = () => weather.route([...serving].map(({ port }) => port));
  const startNew = async () => {
    serving.add(await weather.deployment.start({ BUILD: "2" }));
    await route();
  };
  const endedMs: number[] = [];
  let killed = 0;
  await route();
  for (const [index, server] of old.entries()) {
    if (surge > 0) await startNew();
    serving.delete(server);
    const ended = stopWithin(server, grace * 1000);
    await route();
    const { tookMs, wasKilled } = await ended;
    endedMs.push(tookMs);
    if (wasKilled) killed += 1;
    if (surge === 0) await startNew();
    progress(`${index + 1} of ${old.length} instances replaced, in ${Math.round(tookMs)} ms`);
  }
  return { endedMs, killed };
}

async function stopWithin(server: ServerProcess, graceMs: number) {
  const startedMs = performance.now();
  const over = new AbortController();
  server.signal("SIGTERM");
  const wasKilled = await Promise.race([
    server.exit.then(() => false),
    delay(graceMs, true, { signal: over.signal }).catch(() => false),
  ]);
  over.abort();
  if (wasKilled) await server.kill();
  return { tookMs: performance.now() - startedMs, wasKilled };
}

function figuresOf(sides: readonly Outcome[]): Figure[] {
  const row = (name: string, unit: string, value: (side: Outcome) => number): Figure => ({
    name,
    unit,
    values: sides.map(value),
    ...(unit === "ms" ? { isCompared: true } : {}),
  });
  const silence = (share: number) => (side: Outcome) => percentileOf(side.silenceMs, share);
  return [
    row("lost deliveries", "", ({ lost }) => lost),
    row("repeated deliveries", "", ({ repeated }) => repeated),
    row("deliveries out of order", "", ({ disordered }) => disordered),
    row("gaps told", "", ({ gaps }) => gaps),
    row("connections cut", "", ({ outages }) => outages),
    row("longest time without a message, p50", "ms", silence(0.5)),
    row("longest time without a message, p99", "ms", silence(0.99)),
    row("longest time without a message, max", "ms", silence(1)),
    row("moves of a client, mean", "", ({ moves }) => meanOf(moves)),
    row("moves of a client, most", "", ({ moves }) => percentileOf(moves, 1)),
    row("connections attempted for one that served", "", ({ attempts, arrivalsMs }) => attempts / arrivalsMs.length),
    row("clients that arrived within 100 ms, most", "", ({ arrivalsMs }) => mostWithin(arrivalsMs, 100)),
    row("SIGTERM to the end of an instance, longest", "ms", ({ endedMs }) => Math.max(...endedMs)),
    row("instances killed at the end of the grace", "", ({ killed }) => killed),
  ];
}

/** How long clients heard nothing, and when they were on another connection. */
function plotsOf(names: readonly string[], sides: readonly Outcome[]): Plot[] {
  const line = <Value>(value: (side: Outcome) => Value) =>
    Object.fromEntries(sides.map((side, index) => [names[index] ?? "", value(side)] as const));
  return [
    percentiles(
      "Each client's longest time without a message",
      "ms",
      line(({ silenceMs }) => silenceMs),
    ),
    timeLine("Clients that came to another instance", 500, "clients", line(sinceFirst)),
  ];
}

function sinceFirst({ arrivalsMs }: Outcome): number[] {
  const firstMs = arrivalsMs.reduce((first, atMs) => Math.min(first, atMs), Number.POSITIVE_INFINITY);
  return arrivalsMs.map((atMs) => atMs - firstMs);
}

/** The most moments that lie within so many milliseconds. */
function mostWithin(momentsMs: readonly number[], widthMs: number): number {
  const sorted = momentsMs.toSorted((left, right) => left - right);
  let first = 0;
  let most = 0;
  for (const [index, atMs] of sorted.entries()) {
    while (atMs - (sorted[first] ?? atMs) >= widthMs) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
}
