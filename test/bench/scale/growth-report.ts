import type { Lines, Plot } from "../plot.ts";
import { known } from "../plots.ts";
import type { Figure, Report } from "../report.ts";
import { fitLine } from "./fit.ts";
import type { Step } from "./growth-step.ts";
import type { MessageCosts } from "./message-costs.ts";

/** Curves by what grows. */
export type Curves = Readonly<Record<"members" | "rooms" | "instances" | "history", readonly Step[]>>;

interface Curve {
  readonly steps: readonly Step[];
  /** What grows. */
  readonly of: string;
  readonly scale?: "log";
}

export function growthReport(all: Curves, costs: MessageCosts): Report {
  const { members, rooms, instances, history } = all;
  const curves: readonly Curve[] = [
    { steps: members, of: "members of one room", scale: "log" },
    { steps: rooms, of: "rooms", scale: "log" },
    { steps: instances, of: "instances" },
    { steps: history, of: "messages in the log" },
  ];
  return {
    columns: ["server CPU per delivery, us", "Redis CPU per delivery, us", "latency p50, ms", "latency p99, ms"],
    figures: [...curves.flatMap(({ steps, of }) => steps.map((step) => row(step, of))), ...units(all, costs)],
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

/** What the capacity model needs. The cost of a delivery is the slope of that of a message over its members. */
function units({ members, instances, history }: Curves, { publishUs, receiveUs, redisUs }: MessageCosts): Figure[] {
  const deliveryUs = fitLine(members.map(({ size, serverUsPerMessage }) => ({ x: size, y: serverUsPerMessage }))).each;
  const redisEachUs = fitLine(instances.map(({ size, redisUsPerMessage }) => ({ x: size, y: redisUsPerMessage }))).each;
  const bytes = history.map(({ logBytesPerMessage }) => logBytesPerMessage).filter(Number.isFinite);
  const figure = (name: string, unit: string, server: number | null, ofRedis: number | null): Figure => ({
    name,
    unit,
    values: [server, ofRedis, null, null],
  });
  return [
    figure("unit: CPU per message, of who takes it", "us", publishUs, redisUs - redisEachUs),
    figure("unit: CPU per message and instance with members", "us", receiveUs - deliveryUs, redisEachUs),
    figure("unit: CPU per delivery", "us", deliveryUs, null),
    figure("unit: memory of a message in the log", "bytes", null, bytes.at(-1) ?? null),
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
