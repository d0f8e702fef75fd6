import { samplesIn } from "../../support/metrics.ts";
import { defineBench, progress } from "../bench.ts";
import type { Figure } from "../report.ts";
import { baseline, type Contestant, holdfast, plain, withRecovery } from "../rig/contestants.ts";
import { startWeather, type Weather } from "./bad-weather.ts";
import type { Summary } from "./member-record.ts";
import { backPlot, weatherFailures, weatherFigures } from "./weather-report.ts";

// The recipe of AnyCable's public benchmark (https://github.com/anycable/nodejs-websocket-bench, jitter-runners.ts): 120
// messages at two a second; the TCP connection of each client is cut without a goodbye after 5 to 20 s, then again 15 to
// 20 s after each return, and the client is away for 2 s. There 10,000 clients on a machine of 32 cores lost 15.45 % with
// plain Socket.IO on one instance, and nothing with state recovery or AnyCable, at 74,000 to 83,000 cuts. Here the
// network is away in these 2 s, so that no attempt gets through, and there are two instances.

const FIRST_MS = [5_000, 20_000] as const;
const NEXT_MS = [15_000, 20_000] as const;
const OFFLINE_MS = 2_000;
const adminToken = "token-of-the-bench";

type Values = Readonly<Record<"clients" | "rate" | "seconds" | "stock", number>>;

interface Outcome {
  readonly summary: Summary;
  /** What the servers counted; nothing where they are not ours. */
  readonly counted: Readonly<Record<Counter, number>> | undefined;
}

const counters = {
  resumes: 'holdfast_joins_total{kind="resumed"}',
  replayed: "holdfast_replayed_messages_total",
  gaps: "holdfast_gaps_total",
} as const;

type Counter = keyof typeof counters;

export const flapping = defineBench<keyof Values>({
  summary: "thousands of clients that are cut every 15 s or so and are away for 2 s, after AnyCable's recipe",
  options: {
    clients: { default: 1_500, meaning: "clients in one room on two instances" },
    rate: { default: 2, meaning: "messages per second" },
    seconds: { default: 60, meaning: "seconds of messages" },
    stock: {
      default: 0,
      meaning: "1 measures stock Socket.IO as well, sharded and with its state recovery on streams",
    },
  },
  async run(values) {
    const sides = values.stock > 0 ? [holdfast, plain, withRecovery] : [holdfast];
    const outcomes: Outcome[] = [];
    for (const side of sides) outcomes.push(await runSide(side, values));
    const names = sides.map(({ name }) => name);
    const summaries = outcomes.map(({ summary }) => summary);
    const [ours] = outcomes;
    if (ours === undefined) throw new Error("expected at least one side");
    const row = (name: string, counter: Counter): Figure => ({
      name,
      unit: "",
      values: outcomes.map(({ counted }) => counted?.[counter] ?? null),
    });
    return {
      columns: names,
      ...baseline(sides),
      figures: [
        ...weatherFigures(summaries),
        row("rooms joined again from a position", "resumes"),
        row("messages read from the log for them", "replayed"),
        row("of these, without proof of continuity", "gaps"),
      ],
      targets: [],
      failures: [
        ...weatherFailures(ours.summary),
        ...(ours.summary.outages > 0 ? [] : ["expected clients to be cut, none was"]),
      ],
      plots: [backPlot(names, summaries)],
    };
  },
});

async function runSide({ kind, name }: Contestant, { clients, rate, seconds }: Values): Promise<Outcome> {
  const env = { ADMIN_TOKEN: adminToken };
  await using weather = await startWeather({ kind, clients, instances: 2, publishers: 2, onlineHint: false, env });
  progress(`${name}: ${clients} clients are there`);
  const cuts = { firstMs: FIRST_MS, nextMs: NEXT_MS, offlineMs: OFFLINE_MS, forMs: seconds * 1000 };
  const [acknowledged] = await Promise.all([
    weather.publishers.call("publish", { messages: rate * seconds, messagesPerSecond: rate }),
    ...weather.members.map((worker) => worker.call("cutForAWhile", cuts)),
  ]);
  await weather.calm();
  const counted = kind === "holdfast" ? await readCounters(weather) : undefined;
  return { summary: await weather.summarize(acknowledged), counted };
}

async function readCounters({ deployment }: Weather): Promise<Record<Counter, number>> {
  const headers = { authorization: `Bearer ${adminToken}` };
  const all = await Promise.all(
    deployment.urls.map(async (url) => samplesIn(await (await fetch(`${url}/metrics`, { headers })).text())),
  );
  const sum = (counter: Counter) => all.reduce((total, samples) => total + (samples.get(counters[counter]) ?? 0), 0);
  return { resumes: sum("resumes"), replayed: sum("replayed"), gaps: sum("gaps") };
}
