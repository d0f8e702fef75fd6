import { setTimeout as delay } from "node:timers/promises";
import { gather } from "../../end-to-end/crowd.ts";
import { deploy } from "../../end-to-end/rig.ts";
import { defineBench, progress } from "../bench.ts";
import { bars } from "../plots.ts";
import type { Report } from "../report.ts";

const CONCURRENCIES = [1, 20, 100] as const;
/** What `s.yaml` says, for which the bench's own timeout stands. */
const DEPLOYED_TIMEOUT_SECONDS = 3_600;
/** 1,000 connections for an hour, in connection-seconds. */
const PER_CONNECTION_SECONDS = 1_000 * 3_600;

type Values = Readonly<Record<"clients" | "alone" | "timeout" | "seconds", number>>;

/** What the emulator's meter counted at one concurrency. */
interface Metered {
  readonly concurrency: number;
  readonly clients: number;
  readonly connectionSeconds: number;
  readonly billedSeconds: number;
  readonly cny: number;
  readonly moves: number;
  readonly mostInstances: number;
  readonly cuts: number;
}

export const cost = defineBench<keyof Values>({
  summary: "what the platform bills for 1,000 connection-hours, by the emulator's meter and real connections",
  options: {
    clients: { default: 100, meaning: "clients that stay connected, at concurrency 20 and 100" },
    alone: { default: 8, meaning: "the same at concurrency 1, where each holds a server process of its own" },
    timeout: { default: 20, meaning: `seconds of a connection's life, standing for ${DEPLOYED_TIMEOUT_SECONDS} s` },
    seconds: { default: 30, meaning: "seconds that are metered at each concurrency" },
  },
  async run(values) {
    const metered: Metered[] = [];
    for (const concurrency of CONCURRENCIES) {
      progress(`concurrency ${concurrency}, ${values.seconds} s`);
      metered.push(await meter(concurrency, values));
    }
    return report(metered, values);
  },
});

async function meter(concurrency: number, { clients: many, alone, timeout, seconds }: Values): Promise<Metered> {
  const clients = concurrency === 1 ? alone : many;
  await using deployment = await deploy({
    vars: { timeout, instanceConcurrency: concurrency },
    // Room for every client to hold two connections.
    settings: { maxInstances: Math.ceil((2 * clients) / concurrency) + 1 },
  });
  const { fc } = deployment;
  await using _crowd = await gather(fc.url, clients);
  let mostInstances = 0;
  const countInstances = () => {
    const serving = fc.instances().filter(({ inFlight }) => inFlight > 0).length;
    mostInstances = Math.max(mostInstances, serving);
  };
  fc.events.on("connection:opened", countInstances);
  countInstances();
  const [startMs, before, countsBefore] = [performance.now(), fc.meter(), fc.counts()];
  await delay(seconds * 1000);
  const [after, counts] = [fc.meter(), fc.counts()];
  return {
    concurrency,
    clients,
    connectionSeconds: (clients * (performance.now() - startMs)) / 1000,
    billedSeconds: after.billedSeconds - before.billedSeconds,
    cny: after.cny - before.cny,
    moves: counts.handovers - countsBefore.handovers,
    mostInstances,
    cuts: counts.cuts,
  };
}

/**
 * The meter's seconds are scaled by connection-seconds: an hour of 1,000 connections costs as much more as it is
 * longer. Moves come too often by the ratio of the timeouts, so what they cost is overstated by that.
 */
function report(metered: readonly Metered[], { timeout }: Values): Report {
  const row = (name: string, unit: string, value: (run: Metered) => number) => ({
    name,
    unit,
    values: metered.map(value),
  });
  const columns = metered.map(({ concurrency }) => `concurrency ${concurrency}`);
  const scaled = ({ connectionSeconds }: Metered) => PER_CONNECTION_SECONDS / connectionSeconds;
  const price = row("price of 1,000 connection-hours", "CNY", (run) => run.cny * scaled(run));
  return {
    columns,
    figures: [
      row("billed for 1,000 connection-hours", "instance-seconds", (run) => run.billedSeconds * scaled(run)),
      price,
      row("billed if every instance were full", "instance-seconds", (run) => PER_CONNECTION_SECONDS / run.concurrency),
      row("clients", "", ({ clients }) => clients),
      row("metered", "connection-seconds", ({ connectionSeconds }) => connectionSeconds),
      row("metered", "billed seconds", ({ billedSeconds }) => billedSeconds),
      row("moves meanwhile", "", ({ moves }) => moves),
      row("connections cut at their deadline", "", ({ cuts }) => cuts),
      row("instances at work at a time, most", "", ({ mostInstances }) => mostInstances),
      row("moves come too often by", "x", () => DEPLOYED_TIMEOUT_SECONDS / timeout),
    ],
    targets: [],
    failures: [],
    plots: [bars("1,000 connection-hours", columns, [price])],
  };
}
