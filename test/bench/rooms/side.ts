import { cpuMicroseconds } from "../../support/cpu-time.ts";
import { uniqueRoom } from "../../support/unique.ts";
import type { Deployment } from "../rig/deployment.ts";
import { type Counts, mergeCounts } from "../rig/histogram.ts";
import type { JoinCall } from "../rig/raw-members.ts";
import { arrival } from "./arrival.ts";
import { Clients, SWARMS } from "./clients.ts";

/** One publisher stays below what a server takes from one user. */
export const PUBLISHER_MESSAGES_PER_SECOND = 150;

/** Rooms, members and messages per second of all rooms together. */
export type Load = Readonly<Record<"rooms" | "members" | "rate", number>>;

/** Where clients connect, by the numbers of the instances; all of them by default. */
export interface Places {
  readonly members?: readonly number[];
  readonly publishers?: readonly number[];
}

/** What one round measured. */
export interface Round {
  /** CPU of all instances together. */
  readonly serverUs: number;
  /** CPU of each instance. */
  readonly eachServerUs: readonly number[];
  readonly redisUs: number;
  readonly wallMs: number;
  readonly messages: number;
  /** Deliveries that there have to be. */
  readonly expected: number;
  readonly delivered: number;
  readonly disordered: number;
  readonly missing: number;
  /** Bytes that came to the members over TCP. */
  readonly receivedBytes: number;
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

/**
 * A deployment of its own with rooms full of members.
 *
 * @param file - what the processes of members and publishers run; default: raw clients
 */
export async function startSide(deployment: Deployment, load: Load, file?: URL): Promise<Side & AsyncDisposable> {
  const clients = new Clients(file);
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

interface FillOptions {
  readonly places?: Places;
  /** Has its turn before the members join. */
  readonly prepare?: (rooms: readonly string[]) => Promise<void>;
}

/** Spreads members evenly over rooms, and those of each room over the instances. */
export async function fillRooms(
  deployment: Deployment,
  clients: Clients,
  { rooms, members, rate }: Load,
  { places = {}, prepare = async () => undefined }: FillOptions = {},
): Promise<Side> {
  const { swarms, publisher } = clients;
  const names = Array.from({ length: rooms }, () => uniqueRoom("busy"));
  await prepare(names);
  const urlsOf = (numbers: readonly number[] | undefined) =>
    numbers?.map((number) => deployment.server(number).url) ?? deployment.urls;
  const [homes, doors] = [urlsOf(places.members), urlsOf(places.publishers)];
  const membersOfRoom = Math.max(1, Math.round(members / rooms));
  const parts = spread(membersOfRoom, homes.length);
  const joins = names.map((room, number) =>
    // Each room begins with another instance, so that small rooms do not fill the first ones alone.
    homes.map((url, index) => ({ url, room, members: parts[(index + number) % homes.length] ?? 0 })),
  );
  // The members of one instance are in one process.
  const callsOf = (swarm: number): JoinCall[] =>
    joins.flatMap((of) => of.filter((_, index) => index % SWARMS === swarm));
  await Promise.all(swarms.map((swarm, index) => swarm.call("joinAll", callsOf(index))));
  // Every publisher stays with one room, so that its members see each of its numbers.
  const perRoom = Math.ceil(rate / rooms / PUBLISHER_MESSAGES_PER_SECOND);
  const publishersPerUrl = Math.ceil((perRoom * rooms) / doors.length);
  const delivered = async () =>
    (await Promise.all(swarms.map((swarm) => swarm.call("delivered", null)))).reduce((sum, count) => sum + count, 0);

  const measure = async (messages: number): Promise<Round> => {
    const expected = messages * membersOfRoom;
    const startMs = performance.now();
    const serversUs = deployment.servers.map((server) => cpuMicroseconds([server]));
    const redisUs = cpuMicroseconds([deployment.redis.process]);
    await publisher.call("publish", { urls: doors, rooms: names, publishersPerUrl, messages, messagesPerSecond: rate });
    await arrival(delivered, expected);
    const wallMs = performance.now() - startMs;
    const parts = await Promise.all(swarms.map((swarm) => swarm.call("take", null)));
    const sum = (key: "delivered" | "disordered" | "missing" | "receivedBytes") =>
      parts.reduce((total, part) => total + part[key], 0);
    const eachServerUs = deployment.servers.map((server, index) => cpuMicroseconds([server]) - (serversUs[index] ?? 0));
    return {
      serverUs: eachServerUs.reduce((sum, us) => sum + us, 0),
      eachServerUs,
      redisUs: cpuMicroseconds([deployment.redis.process]) - redisUs,
      wallMs,
      messages,
      expected,
      delivered: sum("delivered"),
      disordered: sum("disordered"),
      missing: sum("missing"),
      receivedBytes: sum("receivedBytes"),
      latencyMs: mergeCounts(parts.map(({ latencyMs }) => latencyMs)),
      batchMessages: mergeCounts(parts.map(({ batchMessages }) => batchMessages)),
    };
  };
  return { rooms: names, measure };
}
