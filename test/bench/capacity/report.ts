import type { Bars, Lines } from "../plot.ts";
import { bars } from "../plots.ts";
import type { Figure, Report } from "../report.ts";
import { type Answer, capacity, connectionsOfOneRedis, times } from "./answer.ts";
import type { Plan } from "./capacity.ts";
import type { Units } from "./units.ts";

const GIBIBYTE = 2 ** 30;
/** Beside what was asked for, so that it shows what is scarce next. */
const FURTHER = 10;

const count = (value: number) => value.toLocaleString("en");

export function capacityReport(plan: Plan, units: Units): Report {
  const plans = [plan, times(plan, FURTHER)];
  const answers = plans.map((each) => capacity(each, units));
  return {
    columns: plans.map(({ connections }) => `${count(connections)} connections`),
    figures: figuresOf(answers, connectionsOfOneRedis(plan, units)),
    targets: [],
    failures: [],
    plots: [...answers.slice(0, 1).map(coresPlot), growthPlot(plan, units)],
  };
}

/** What is scarce is told in words, which a table of numbers has no place for but in a row's name. */
function figuresOf(answers: readonly Answer[], ofOneRedis: number): Figure[] {
  const row = (name: string, unit: string, value: (answer: Answer) => number): Figure => ({
    name,
    unit,
    values: answers.map(value),
  });
  const scarce = (of: (answer: Answer) => string) => [...new Set(answers.map(of))].join(", then ");
  return [
    row("members of a room", "", ({ traffic }) => traffic.membersOfRoom),
    row("messages", "per second", ({ traffic }) => traffic.messages),
    row("deliveries", "per second", ({ traffic }) => traffic.deliveries),
    row(`instances; scarce: ${scarce(({ scarceOfInstances }) => scarceOfInstances)}`, "", ({ instances }) => instances),
    row("connections of an instance", "", ({ plan, instances }) => plan.connections / instances),
    row("instances with members of a room", "", ({ instancesOfRoom }) => instancesOfRoom),
    row("CPU of all instances, connections at rest", "cores", ({ cores }) => cores.rest),
    row("CPU of all instances, taking messages", "cores", ({ cores }) => cores.publish),
    row("CPU of all instances, hearing messages", "cores", ({ cores }) => cores.receive),
    row("CPU of all instances, deliveries", "cores", ({ cores }) => cores.deliver),
    row("CPU of all instances, checks of rooms", "cores", ({ cores }) => cores.check),
    row("CPU of Redis", "cores", ({ redis }) => redis.cores),
    row("memory of Redis", "GiB", ({ redis }) => redis.bytes / GIBIBYTE),
    row("from Redis to instances", "Mbit/s", ({ redis }) => (redis.bytesPerSecond * 8) / 1e6),
    row(`Redis servers; scarce: ${scarce(({ scarceOfRedis }) => scarceOfRedis)}`, "", ({ shards }) => shards),
    row("all connections come back in, at the soonest", "s", ({ comeBackSeconds }) => comeBackSeconds),
    row("messages of one room on all instances, at most", "per second", ({ mostOfOneRoom }) => mostOfOneRoom),
    { name: "connections of this kind that one Redis carries", unit: "", values: answers.map(() => ofOneRedis) },
  ];
}

function coresPlot({ cores, plan }: Answer): Bars {
  const names = { rest: "at rest", publish: "taking", receive: "hearing", deliver: "deliveries", check: "checks" };
  const figure = {
    name: "cores",
    unit: "cores",
    values: Object.keys(names).map((part) => cores[part as keyof typeof names]),
  };
  return bars(`What ${count(plan.connections)} connections need CPU for`, Object.values(names), [figure]);
}

function growthPlot(plan: Plan, units: Units): Lines {
  const sizes = [1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000];
  const answers = sizes.map((size) => ({ size, answer: capacity(times(plan, size / plan.connections), units) }));
  const line = (name: string, value: (answer: Answer) => number) => ({
    name,
    points: answers.map(({ size, answer }) => ({ x: size, y: value(answer) })),
  });
  return {
    kind: "lines",
    title: "Instances and Redis servers, by connections",
    x: { name: "connections", scale: "log" },
    y: { name: "servers", scale: "log" },
    lines: [line("instances", ({ instances }) => instances), line("Redis", ({ shards }) => shards)],
  };
}
