import { setTimeout as delay } from "node:timers/promises";
import type { Acknowledgement, RequestData } from "../../../client/src/protocol/index.ts";
import { connectRaw, type RawClient } from "../../support/raw-websocket.ts";
import { messageId, uniqueRoom } from "../../support/unique.ts";
import { Worker } from "../../support/worker.ts";
import { defineBench, progress } from "../bench.ts";
import { percentiles } from "../plots.ts";
import type { Report } from "../report.ts";
import { type Deployment, deploy } from "../rig/deployment.ts";
import { countsOf } from "../rig/histogram.ts";
import type { GreedyReader, ReadOutcome } from "./greedy-reader.ts";

/** The instance that the hostile connections are on, and the one whose publishers must not notice them. */
const ATTACKED = 0;
const OTHER = 1;
/** The longest text that the contract lets pass, in characters of three bytes: a page holds about 43 of them. */
const TEXT = "好".repeat(4_000);
const TEXTS_IN_FLIGHT = 100;
/** Reads that the greedy connection always has under way, or would like to. */
const READS_IN_FLIGHT = 32;
const WARM_UP_SECONDS = 2;
const ACKNOWLEDGEMENT_MS = 60_000;
const MEBIBYTE = 2 ** 20;

type Values = Readonly<Record<"messages" | "rate" | "seconds" | "rounds" | "silent" | "reads", number>>;

/** A room with a long log. */
interface LongRoom {
  readonly room: string;
  readonly positions: readonly string[];
}

interface Publishes {
  /** Milliseconds from each publish to its acknowledgement. */
  readonly latenciesMs: readonly number[];
  readonly refused: readonly string[];
}

export const hostileReader = defineBench<keyof Values>({
  summary: "one connection reads as fast as it may, others never read: what the rest of the deployment notices",
  options: {
    messages: { default: 600, meaning: "messages of 4,000 Chinese characters in the room that is read" },
    rate: { default: 100, meaning: "publishes per second on the other instance, in another room" },
    seconds: { default: 12, meaning: "seconds of publishes measured without a reader, and with one; then of silence" },
    rounds: { default: 3, meaning: "rounds that these seconds are divided into; without and with take turns" },
    silent: { default: 4, meaning: "connections that ask for pages and never read" },
    reads: { default: 200, meaning: "pages that each of them asks for" },
  },
  async run(values) {
    const measured = await greedy(values);
    progress(`${values.silent} connections ask for ${values.reads} pages each and do not read`);
    return report({ ...measured, bytes: await silentBytes(values) }, values);
  },
});

/** Publishes on one instance, without and with a greedy reader on the other, which has a connection of its own in each round. */
async function greedy(values: Values): Promise<Omit<Measured, "bytes">> {
  await using deployment = await deploy("holdfast", { instances: 2 });
  await using worker = new Worker<GreedyReader>(new URL("./greedy-reader.ts", import.meta.url));
  const long = await fillRoom(deployment, values);
  await publishSteadily(deployment, values.rate, WARM_UP_SECONDS);
  const seconds = values.seconds / values.rounds;
  const call = { ...long, url: deployment.server(ATTACKED).url, inFlight: READS_IN_FLIGHT, forMs: seconds * 1000 };
  const [without, beside, reads]: [Publishes[], Publishes[], ReadOutcome[]] = [[], [], []];
  for (let round = 1; round <= values.rounds; round += 1) {
    progress(`round ${round} of ${values.rounds}: ${seconds} s without a reader, and as many beside one`);
    without.push(await publishSteadily(deployment, values.rate, seconds));
    const [published, read] = await Promise.all([
      publishSteadily(deployment, values.rate, seconds),
      worker.call("read", call),
    ]);
    beside.push(published);
    reads.push(read);
  }
  return { without: together(without), beside: together(beside), reads };
}

function together(rounds: readonly Publishes[]): Publishes {
  return {
    latenciesMs: rounds.flatMap(({ latenciesMs }) => latenciesMs).sort((a, b) => a - b),
    refused: rounds.flatMap(({ refused }) => refused),
  };
}

async function fillRoom(deployment: Deployment, { messages }: Values): Promise<LongRoom> {
  using publisher = await connectRaw(deployment.server(ATTACKED).url);
  const room = uniqueRoom("long");
  const positions: string[] = [];
  while (positions.length < messages) {
    const count = Math.min(TEXTS_IN_FLIGHT, messages - positions.length);
    const answers = await Promise.all(Array.from({ length: count }, () => publish(publisher, room, TEXT)));
    for (const answer of answers) {
      if (!answer.ok) throw new Error(`expected a publish to succeed, got ${JSON.stringify(answer.error)}`);
      positions.push(answer.data.position);
    }
  }
  return { room, positions };
}

/** Publishes at an even rate, whether those before are answered or not: a wait is not spared the next one. */
async function publishSteadily(deployment: Deployment, rate: number, seconds: number): Promise<Publishes> {
  using publisher = await connectRaw(deployment.server(OTHER).url);
  const room = uniqueRoom("quiet");
  const latenciesMs: number[] = [];
  const refused: string[] = [];
  const send = async () => {
    const startMs = performance.now();
    const answer = await publish(publisher, room, "hello");
    latenciesMs.push(performance.now() - startMs);
    if (!answer.ok) refused.push(answer.error.code);
  };
  const under: Promise<void>[] = [];
  const startMs = performance.now();
  for (let sent = 0; sent < rate * seconds; sent += 1) {
    under.push(send());
    await delay(Math.max(0, startMs + ((sent + 1) * 1000) / rate - performance.now()));
  }
  await Promise.all(under);
  return { latenciesMs, refused };
}

type Published = Acknowledgement<RequestData<"message:publish">>;

async function publish(publisher: RawClient, room: string, text: string): Promise<Published> {
  const payload = { room, id: messageId(), event: "chat:message", data: { text } };
  return (await publisher.request("message:publish", payload, ACKNOWLEDGEMENT_MS)) as Published;
}

/**
 * The most memory that an instance takes on, for each connection that asks and never reads. The instance is a fresh one:
 * what another one has left over from pages that were read would hide it.
 */
async function silentBytes(values: Values): Promise<number> {
  await using deployment = await deploy("holdfast", { instances: 1 });
  const { room, positions } = await fillRoom(deployment, values);
  const server = deployment.server(ATTACKED);
  const clients = await Promise.all(Array.from({ length: values.silent }, () => connectRaw(server.url)));
  const beforeBytes = server.memoryBytes();
  let mostBytes = beforeBytes;
  for (const client of clients) client.pause();
  // Spread over the time, because all at once would wait for Redis and not for their readers.
  for (let index = 0; index < values.reads; index += 1) {
    const before = positions[positions.length - 1 - (index % positions.length)];
    for (const client of clients) client.send(`42${index}${JSON.stringify(["history:read", { room, before }])}`);
    await delay((values.seconds * 1000) / values.reads);
    mostBytes = Math.max(mostBytes, server.memoryBytes());
  }
  for (const client of clients) client.terminate();
  return (mostBytes - beforeBytes) / values.silent;
}

interface Measured {
  readonly without: Publishes;
  readonly beside: Publishes;
  readonly reads: readonly ReadOutcome[];
  readonly bytes: number;
}

function report({ without, beside, reads, bytes }: Measured, { seconds, silent }: Values): Report {
  const both = [without, beside];
  const latency = (share: number) => both.map(({ latenciesMs }) => percentileOf(latenciesMs, share));
  const p99 = latency(0.99);
  const ratio = (p99[1] ?? Number.NaN) / (p99[0] ?? Number.NaN);
  const perConnection = bytes / MEBIBYTE;
  const perSecond = (kind: "pages" | "limited") => reads.reduce((sum, read) => sum + read[kind], 0) / seconds;
  const failed = reads.flatMap((read) => read.failed);
  const codes = (refused: readonly string[]) => [...new Set(refused)].join(", ");
  return {
    columns: ["no reader", "one reader"],
    figures: [
      { name: "publish to acknowledgement, median", unit: "ms", values: latency(0.5) },
      { name: "publish to acknowledgement, p99", unit: "ms", values: p99 },
      { name: "publish to acknowledgement, longest", unit: "ms", values: latency(1) },
      { name: "p99 beside a reader, against without", unit: "x", values: [null, ratio] },
      { name: "pages read", unit: "per second", values: [null, perSecond("pages")] },
      { name: "reads refused with RATE_LIMITED", unit: "per second", values: [null, perSecond("limited")] },
      { name: `memory for each of ${silent} that never read`, unit: "MiB", values: [null, perConnection] },
    ],
    targets: [
      { name: "publish p99 beside a reader, against without", unit: "x", value: ratio, atMost: 4 },
      { name: "memory of a connection that never reads", unit: "MiB", value: perConnection, atMost: 16 },
    ],
    failures: [
      ...both.flatMap(({ refused }) =>
        refused.length === 0 ? [] : [`expected every publish to be stored, ${refused.length} got ${codes(refused)}`],
      ),
      ...(failed.length === 0 ? [] : [`expected pages or RATE_LIMITED, ${failed.length} reads got ${codes(failed)}`]),
      ...(perSecond("pages") > 0 ? [] : ["expected the reader to read, it got no page"]),
    ],
    plots: [
      percentiles("From a publish to its acknowledgement", "ms", {
        "no reader": countsOf(without.latenciesMs),
        "one reader": countsOf(beside.latenciesMs),
      }),
    ],
  };
}

/** The number at or below which a share (0 to 1) of sorted numbers lies; NaN of none. */
function percentileOf(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}
