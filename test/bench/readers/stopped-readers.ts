import { uniqueRoom } from "../../support/unique.ts";
import { standsStill } from "../../support/wait.ts";
import { Worker } from "../../support/worker.ts";
import { defineBench, progress } from "../bench.ts";
import type { Report } from "../report.ts";
import { type Deployment, deploy } from "../rig/deployment.ts";
import { percentileOf } from "../rig/histogram.ts";
import { median } from "../rig/measure.ts";
import type { RawMembers, Received } from "../rig/raw-members.ts";

const WARM_UP_SECONDS = 2;
const MEMORY_EVERY_MS = 100;
const QUIET_MS = 2_000;
const MEBIBYTE = 2 ** 20;
/** Characters of three bytes, so that what a reader leaves unread soon is more than the system's buffers hold. */
const LONG_FILLER = "好".repeat(3_900);

type Values = Readonly<Record<"members" | "stopped" | "rate" | "seconds" | "rounds", number>>;

interface Round {
  readonly received: Received;
  /** Messages that were published. */
  readonly messages: number;
  /** The most memory that the server took on in the round. */
  readonly grownBytes: number;
}

export const stoppedReaders = defineBench<keyof Values>({
  summary: "members of a busy room stop reading: memory of the server, and latency of the others with and without them",
  options: {
    members: { default: 10, meaning: "members that read" },
    stopped: { default: 50, meaning: "members that stop as soon as they have joined" },
    rate: { default: 60, meaning: "messages of 4,000 characters per second" },
    seconds: { default: 50, meaning: "seconds of messages measured without those that stop, and with them" },
    rounds: { default: 2, meaning: "rounds that these seconds are divided into; without and with take turns" },
  },
  async run(values) {
    await using deployment = await deploy("holdfast", { instances: 1 });
    const open = () => new Worker<RawMembers>(new URL("../rig/raw-members.ts", import.meta.url));
    await using members = open();
    await using hostile = open();
    await using publisher = open();
    const { url } = deployment.server(0);
    const room = uniqueRoom("busy");
    await members.call("join", { url, room, members: values.members });
    const publish = (seconds: number) => publishAndCount({ deployment, members, publisher, room }, values, seconds);
    await publish(WARM_UP_SECONDS);
    const seconds = values.seconds / values.rounds;
    const [without, beside]: [Round[], Round[]] = [[], []];
    for (let round = 1; round <= values.rounds; round += 1) {
      progress(`round ${round} of ${values.rounds}: ${seconds} s without those that stop, and as many with them`);
      without.push(await publish(seconds));
      await hostile.call("joinAndStop", { url, room, members: values.stopped });
      beside.push(await publish(seconds));
      await hostile.call("endStopped", null);
    }
    const cut = deployment.server(0).logs.filter(({ msg }) => msg === "slow reader cut").length;
    return report(without, beside, cut, values);
  },
});

interface Stage {
  readonly deployment: Deployment;
  readonly members: Worker<RawMembers>;
  readonly publisher: Worker<RawMembers>;
  readonly room: string;
}

/** Publishes at an even rate, and gives what the members received when no more comes. */
async function publishAndCount(stage: Stage, { rate }: Values, seconds: number): Promise<Round> {
  const { deployment, members, publisher, room } = stage;
  const server = deployment.server(0);
  const beforeBytes = server.memoryBytes();
  let mostBytes = beforeBytes;
  const watch = setInterval(() => {
    mostBytes = Math.max(mostBytes, server.memoryBytes());
  }, MEMORY_EVERY_MS);
  const messages = Math.ceil(rate * seconds);
  try {
    const call = { urls: deployment.urls, rooms: [room], publishersPerUrl: 1, messages, messagesPerSecond: rate };
    await publisher.call("publish", { ...call, filler: LONG_FILLER });
    const delivered = () => members.call("delivered", null);
    await standsStill(delivered, { forMs: QUIET_MS, what: "the last messages to arrive", timeoutMs: 120_000 });
  } finally {
    clearInterval(watch);
  }
  return { received: await members.call("take", null), messages, grownBytes: mostBytes - beforeBytes };
}

function report(
  without: readonly Round[],
  beside: readonly Round[],
  cut: number,
  { members, stopped }: Values,
): Report {
  const both = [without, beside];
  const latency = (share: number) =>
    both.map((rounds) => median(rounds.map(({ received }) => percentileOf(received.latencyMs, share))));
  // Of the rounds the one in the middle counts: a machine that was busy for a moment would decide it otherwise.
  const p99 = latency(0.99);
  const ratio = (p99[1] ?? Number.NaN) / Math.max(1, p99[0] ?? Number.NaN);
  const grown = both.map((rounds) => Math.max(...rounds.map(({ grownBytes }) => grownBytes)) / MEBIBYTE);
  const perReader = (grown[1] ?? Number.NaN) / stopped;
  const rounds = both.flat();
  const sum = (countOf: (round: Round) => number) => rounds.reduce((total, round) => total + countOf(round), 0);
  const missing = sum(({ messages, received }) => messages * members - received.delivered);
  const disordered = sum(({ received }) => received.disordered + received.missing);
  return {
    columns: ["all read", `${stopped} have stopped`],
    figures: [
      { name: "latency p50 of those that read, median of the rounds", unit: "ms", values: latency(0.5) },
      { name: "latency p99 of those that read, median of the rounds", unit: "ms", values: p99 },
      { name: "longest latency of those that read, median of the rounds", unit: "ms", values: latency(1) },
      { name: "p99 against that without", unit: "x", values: [null, ratio] },
      { name: "memory that the server took on, at most", unit: "MiB", values: grown },
      { name: "the same for each that has stopped", unit: "MiB", values: [null, perReader] },
      { name: "connections that the server cut for it", unit: "", values: [null, cut] },
    ],
    targets: [
      { name: "latency p99 of the others, against that without", unit: "x", value: ratio, atMost: 2 },
      { name: "memory of a reader that has stopped", unit: "MiB", value: perReader, atMost: 8 },
    ],
    failures: [
      ...(missing === 0
        ? []
        : [`expected every message at every member that reads, ${missing} deliveries are missing`]),
      ...(disordered === 0 ? [] : [`${disordered} messages came out of order or left one out`]),
    ],
  };
}
