import { cpuMicroseconds } from "../../support/cpu-time.ts";
import { uniqueRoom } from "../../support/unique.ts";
import { waitFor } from "../../support/wait.ts";
import type { Deployment } from "../rig/deployment.ts";
import { type Counts, mergeCounts } from "../rig/histogram.ts";
import type { JoinCall } from "../rig/raw-members.ts";
import { Clients, SWARMS } from "./clients.ts";

/** One publisher stays below what a server takes from one user. */
const PUBLISHER_MESSAGES_PER_SECOND = 150;
const QUIET_MS = 5_000;

/** Rooms, members and messages per second of all rooms together. */
export type Load = Readonly<Record<"rooms" | "members" | "rate", number>>;

/** What one round measured. */
export interface Round {
  readonly serverUs: number;
  readonly redisUs: number;
  readonly wallMs: number;
  readonly messages: number;
  /** Deliveries that there have to be. */
  readonly expected: number;
  readonly delivered: number;
  readonly disordered: number;
  readonly missing: number;
  readonly latencyMs: Counts;
  readonly batchMessages: Counts;
}

/** Rooms full of members on a deployment, and who publishes to them. */
export interface Side {
  readonly rooms: readonly string[];
  /** Publishes so many messages and waits until every member has them, or no more come. */
  measure(messages: number): Promise<Round>;
}

/** A whole divided into parts as even as can be: which part gets how much. */
export function spread(whole: number, parts: number): number[] {
  return Array.from({ length: parts }, (_, index) => Math.floor((whole + parts - 1 - index) / parts));
}

/** A deployment of its own with rooms full of members. */
export async function startSide(deployment: Deployment, load: Load): Promise<Side & AsyncDisposable> {
  const clients = new Clients();
  const end = async () => {
    await clients[Symbol.asyncDispose]();
    await deployment[Symbol.asyncDispose]();
  };
  try {
    return { ...(await fillRooms(deployment, clients, load)), [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Spreads members evenly over rooms, and those of each room over all instances. Before they join, `prepare` has its turn. */
export async function fillRooms(
  deployment: Deployment,
  clients: Clients,
  { rooms, members, rate }: Load,
  prepare: (rooms: readonly string[]) => Promise<void> = async () => undefined,
): Promise<Side> {
  const { swarms, publisher } = clients;
  const names = Array.from({ length: rooms }, () => uniqueRoom("busy"));
  await prepare(names);
  const membersOfRoom = Math.max(1, Math.round(members / rooms));
  const joins = names.map((room, number) => {
    // Each room begins with another instance, so that small rooms do not fill the first ones alone.
    const parts = spread(membersOfRoom, deployment.urls.length);
    const instances = deployment.urls.length;
    return deployment.urls.map((url, index) => ({ url, room, members: parts[(index + number) % instances] ?? 0 }));
  });
  // The members of one instance are in one process.
  const callsOf = (swarm: number): JoinCall[] =>
    joins.flatMap((of) => of.filter((_, index) => index % SWARMS === swarm));
  await Promise.all(swarms.map((swarm, index) => swarm.call("joinAll", callsOf(index))));
  // Every publisher stays with one room, so that its members see each of its numbers.
  const perRoom = Math.ceil(rate / rooms / PUBLISHER_MESSAGES_PER_SECOND);
  const publishersPerUrl = Math.ceil((perRoom * rooms) / deployment.urls.length);
  const delivered = async () =>
    (await Promise.all(swarms.map((swarm) => swarm.call("delivered", null)))).reduce((sum, count) => sum + count, 0);

  const measure = async (messages: number): Promise<Round> => {
    const expected = messages * membersOfRoom;
    const startMs = performance.now();
    const serverUs = cpuMicroseconds(deployment.servers);
    const redisUs = cpuMicroseconds([deployment.redis.process]);
    const { urls } = deployment;
    await publisher.call("publish", { urls, rooms: names, publishersPerUrl, messages, messagesPerSecond: rate });
    await arrival(delivered, expected);
    const wallMs = performance.now() - startMs;
    const parts = await Promise.all(swarms.map((swarm) => swarm.call("take", null)));
    const sum = (key: "delivered" | "disordered" | "missing") => parts.reduce((total, part) => total + part[key], 0);
    return {
      serverUs: cpuMicroseconds(deployment.servers) - serverUs,
      redisUs: cpuMicroseconds([deployment.redis.process]) - redisUs,
      wallMs,
      messages,
      expected,
      delivered: sum("delivered"),
      disordered: sum("disordered"),
      missing: sum("missing"),
      latencyMs: mergeCounts(parts.map(({ latencyMs }) => latencyMs)),
      batchMessages: mergeCounts(parts.map(({ batchMessages }) => batchMessages)),
    };
  };
  return { rooms: names, measure };
}

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
