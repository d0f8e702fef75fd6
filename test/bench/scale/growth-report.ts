import type { Lines, Plot } from "../plot.ts";
import { known } from "../plots.ts";
import type { Figure, Report } from "../report.ts";
import { fitLine } from "./fit.ts";
import type { Step } from "./growth-step.ts";

/** Curves by what grows. */
export type Curves = Readonly<Record<"members" | "rooms" | "instances" | "history", readonly Step[]>>;

interface Curve {
  readonly steps: readonly Step[];
  /** What grows. */
  readonly of: string;
  readonly scale?: "log";
}

export function growthReport(all: Curves): Report {
  const { members, rooms, instances, history } = all;
  const curves: readonly Curve[] = [
    { steps: members, of: "members of one room", scale: "log" },
    { steps: rooms, of: "rooms", scale: "log" },
    { steps: instances, of: "instances" },
    { steps: history, of: "messages in the log" },
  ];
  return {
    columns: ["server CPU per delivery, us", "Redis CPU per delivery, us", "latency p50, ms", "latency p99, ms"],
    figures: [...curves.flatMap(({ steps, of }) => steps.map((step) => row(step, of))), ...units(all)],
    targets: [],
    failures: curves.flatMap(({ steps, of }) =>
      steps.flatMap(({ size, failures }) => failures.map((failure) => `${of}: ${count(size)}: ${failure}`)),
    ),
    plots: curves.flatMap(plotsOf),
  };
}

function row({ size, load, serverUsPerDelivery, redisUsPerDelivery, p50Ms, p99Ms }: Step, of: string): Figure {
  const name = `${of}: ${count(size)}, at ${count(load.rate)} messages a second`;
  return { name, unit: "", values: [serverUsPerDelivery, redisUsPerDelivery, p50Ms, p99Ms] };
}

/**
 * What the capacity model needs. To the servers a message costs the same whoever gets it, and so much for each delivery;
 * to Redis so much for each instance that it is sent to.
 */
function units({ members, instances, history }: Curves): Figure[] {
  const servers = fitLine(members.map(({ size, serverUsPerMessage }) => ({ x: size, y: serverUsPerMessage })));
  const further = fitLine(instances.map(({ size, serverUsPerMessage }) => ({ x: size, y: serverUsPerMessage })));
  const redis = fitLine(instances.map(({ size, redisUsPerMessage }) => ({ x: size, y: redisUsPerMessage })));
  const bytes = history.map(({ logBytesPerMessage }) => logBytesPerMessage).filter(Number.isFinite);
  const figure = (name: string, unit: string, server: number | null, ofRedis: number | null): Figure => ({
    name,
    unit,
    values: [server, ofRedis, null, null],
  });
  return [
    figure("fitted: CPU per message, without what follows", "us", servers.base, redis.base),
    figure("fitted: CPU per further delivery of it", "us", servers.each, null),
    figure("fitted: CPU per further instance that gets it", "us", further.each, redis.each),
    figure("Redis memory of a message in the log", "bytes", null, bytes.at(-1) ?? null),
  ];
}

function plotsOf({ steps, of, scale }: Curve): Plot[] {
  const x = { name: of, ...(scale === undefined ? {} : { scale }) };
  const line = (name: string, value: (step: Step) => number) => ({
    name,
    points: known(steps.map((step) => ({ x: step.size, y: value(step) }))),
  });
  const cpu: Lines = {
    kind: "lines",
    title: `CPU per delivery, by ${of}`,
    x,
    y: { name: "us", scale: "log" },
    lines: [line("server", (step) => step.serverUsPerDelivery), line("Redis", (step) => step.redisUsPerDelivery)],
  };
  const latency: Lines = {
    kind: "lines",
    title: `Latency, by ${of}`,
    x,
    y: { name: "ms" },
    lines: [line("p99", ({ p99Ms }) => p99Ms), line("p50", ({ p50Ms }) => p50Ms)],
  };
  return [cpu, latency];
}

const count = (number: number) => number.toLocaleString("en");
