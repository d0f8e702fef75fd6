import { cpuMicroseconds } from "../support/cpu-time.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { Worker } from "../support/worker.ts";
import { progress } from "./bench.ts";
import { type Deployment, deploy } from "./deployment.ts";
import { type Counts, meanOf, mergeCounts, percentileOf } from "./histogram.ts";
import type { RawMembers } from "./raw-members.ts";
import type { Figure, Report } from "./report.ts";

const INSTANCES = 2;
const WARM_UP_SECONDS = 2;
/** One publisher stays below what a server takes from one user. */
const PUBLISHER_MESSAGES_PER_SECOND = 150;

/** What is measured: rooms, members and messages per second of all rooms together. */
export type BusyRooms = Readonly<Record<"rooms" | "members" | "rate" | "seconds" | "rounds", number>>;

/** What one round measured. */
export interface Round {
  readonly serverUs: number;
  readonly redisUs: number;
  readonly wallMs: number;
  readonly messages: number;
  readonly delivered: number;
  readonly disordered: number;
  readonly missing: number;
  /** Bytes that came to the members over TCP. */
  readonly receivedBytes: number;
  readonly latencyMs: Counts;
  readonly batchMessages: Counts;
}

interface Side extends AsyncDisposable {
  /** Publishes so many messages and waits until every member has them, or no more come. */
  measure(messages: number): Promise<Round>;
}

/** Holdfast and plain Socket.IO in turns, under the same load. */
export async function measureBusyRooms(values: BusyRooms, ratioAtMost: number): Promise<Report> {
  await using ours = await startSide(await deploy("holdfast", { instances: INSTANCES }), values);
  await using plain = await startSide(await deploy("dynamic", { instances: INSTANCES }), values);
  for (const side of [ours, plain]) await side.measure(values.rate * WARM_UP_SECONDS);
  const rounds: { ours: Round[]; plain: Round[] } = { ours: [], plain: [] };
  for (let round = 1; round <= values.rounds; round += 1) {
    progress(`round ${round} of ${values.rounds}`);
    const messages = Math.ceil((values.rate * values.seconds) / values.rounds);
    rounds.ours.push(await ours.measure(messages));
    rounds.plain.push(await plain.measure(messages));
  }
  return report(rounds.ours, rounds.plain, values, ratioAtMost);
}

/** @param clients - the file of the processes in which members and publishers live */
export async function startSide(
  deployment: Deployment,
  { rooms, members, rate }: BusyRooms,
  clients = "./raw-members.ts",
): Promise<Side> {
  const names = Array.from({ length: rooms }, () => uniqueRoom("busy"));
  const membersOfRoom = members / rooms;
  const open = () => new Worker<RawMembers>(new URL(clients, import.meta.url));
  const swarms = deployment.urls.map(() => open());
  const publisher = open();
  await Promise.all(
    swarms.map(async (swarm, index) => {
      const { url } = deployment.server(index);
      for (const room of names) await swarm.call("join", { url, room, members: membersOfRoom / INSTANCES });
    }),
  );
  // Every publisher stays with one room, so that its members see each of its numbers.
  const perRoom = Math.ceil(rate / rooms / PUBLISHER_MESSAGES_PER_SECOND);
  const publishersPerUrl = Math.ceil((perRoom * rooms) / INSTANCES);
  const delivered = async () =>
    (await Promise.all(swarms.map((swarm) => swarm.call("delivered", null)))).reduce(add, 0);

  return {
    async measure(messages) {
      const startMs = performance.now();
      const serverUs = cpuMicroseconds(deployment.servers);
      const redisUs = cpuMicroseconds([deployment.redis.process]);
      await publisher.call("publish", {
        urls: deployment.urls,
        rooms: names,
        publishersPerUrl,
        messages,
        messagesPerSecond: rate,
      });
      await arrival(delivered, messages * membersOfRoom);
      const wallMs = performance.now() - startMs;
      const parts = await Promise.all(swarms.map((swarm) => swarm.call("take", null)));
      return {
        serverUs: cpuMicroseconds(deployment.servers) - serverUs,
        redisUs: cpuMicroseconds([deployment.redis.process]) - redisUs,
        wallMs,
        messages,
        delivered: sum(parts, "delivered"),
        disordered: sum(parts, "disordered"),
        missing: sum(parts, "missing"),
        receivedBytes: sum(parts, "receivedBytes"),
        latencyMs: mergeCounts(parts.map(({ latencyMs }) => latencyMs)),
        batchMessages: mergeCounts(parts.map(({ batchMessages }) => batchMessages)),
      };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([...swarms, publisher].map((worker) => worker[Symbol.asyncDispose]()));
      await deployment[Symbol.asyncDispose]();
    },
  };
}

const QUIET_MS = 5_000;

/** Waits until all have arrived, or until for a while nothing more did: what is missing then is a result. */
async function arrival(delivered: () => Promise<number>, expected: number): Promise<void> {
  let last = { count: -1, atMs: performance.now() };
  await waitFor(
    async () => {
      const count = await delivered();
      if (count !== last.count) last = { count, atMs: performance.now() };
      return count >= expected || performance.now() - last.atMs > QUIET_MS;
    },
    "the messages to arrive",
    300_000,
  );
}

function report(
  ours: readonly Round[],
  plain: readonly Round[],
  { rooms, members }: BusyRooms,
  ratioAtMost: number,
): Report {
  const columns = [ours, plain];
  return {
    columns: ["Holdfast", "plain Socket.IO"],
    figures: busyFigures(columns, members / rooms),
    targets: [
      {
        name: "ratio of server CPU per delivered message",
        unit: "x",
        value: perDelivered(ours, "serverUs") / perDelivered(plain, "serverUs"),
        atMost: ratioAtMost,
      },
    ],
    // What plain Socket.IO loses under load is a figure; what Holdfast loses is a failure.
    failures: busyFailures(ours, members / rooms),
  };
}

/** What one delivered message cost. */
export function perDelivered(rounds: readonly Round[], cost: "serverUs" | "redisUs" | "receivedBytes"): number {
  return sum(rounds, cost) / sum(rounds, "delivered");
}

/** What the rounds of each column measured, in rooms of so many members. */
export function busyFigures(columns: readonly (readonly Round[])[], membersOfRoom: number): Figure[] {
  const latency = (share: number) =>
    columns.map((rounds) => percentileOf(mergeCounts(rounds.map((r) => r.latencyMs)), share));
  const batches = columns.map((rounds) => mergeCounts(rounds.map((r) => r.batchMessages)));
  return [
    { name: "server CPU per delivered message", unit: "us", values: columns.map((r) => perDelivered(r, "serverUs")) },
    { name: "Redis CPU per delivered message", unit: "us", values: columns.map((r) => perDelivered(r, "redisUs")) },
    {
      name: "bytes received per delivered message",
      unit: "",
      values: columns.map((r) => perDelivered(r, "receivedBytes")),
    },
    { name: "latency p50", unit: "ms", values: latency(0.5) },
    { name: "latency p99", unit: "ms", values: latency(0.99) },
    { name: "messages in a packet, mean", unit: "", values: batches.map(meanOf) },
    { name: "messages in a packet, p99", unit: "", values: batches.map((counts) => percentileOf(counts, 0.99)) },
    { name: "messages delivered", unit: "", values: columns.map((r) => sum(r, "delivered")) },
    { name: "messages lost", unit: "", values: columns.map((r) => lost(r, membersOfRoom)) },
    { name: "time from first publish to last delivery", unit: "ms", values: columns.map((r) => sum(r, "wallMs")) },
  ];
}

function lost(rounds: readonly Round[], members: number): number {
  return sum(rounds, "messages") * members - sum(rounds, "delivered");
}

/** What went wrong with the messages of these rounds. */
export function busyFailures(rounds: readonly Round[], members: number): string[] {
  const missing = lost(rounds, members);
  const disordered = sum(rounds, "disordered") + sum(rounds, "missing");
  return [
    ...(missing === 0 ? [] : [`expected every message at every member, ${missing} deliveries are missing`]),
    ...(disordered === 0 ? [] : [`${disordered} messages came out of order or left one out`]),
  ];
}

function add(a: number, b: number): number {
  return a + b;
}

function sum<Key extends string>(parts: readonly { readonly [K in Key]: number }[], key: Key): number {
  return parts.map((part) => part[key]).reduce(add, 0);
}
