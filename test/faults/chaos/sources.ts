import { pick, type Random, randomInteger } from "../../support/random.ts";
import type { Fault, Forgery, SilenceEnd } from "./fault.ts";

/** What there is to hurt. */
export interface Shape {
  readonly clients: number;
  /** Clients from this index on may end and come back; those before it are never closed. */
  readonly firstReturningClient: number;
  readonly instances: number;
  readonly rooms: number;
  /** Masters of a cluster; 1 for a Redis with a replica. */
  readonly nodes: number;
}

/** A kind of fault that comes again and again, at random moments with this many milliseconds between them on average. */
export interface Source {
  readonly meanGapMs: number;
  readonly make: (random: Random, shape: Shape) => Fault;
}

const HOUR_MS = 3_600_000;
/** Ids are remembered by Redis' clock for little longer than publishes are retried: it must not run ahead of that. */
const FARTHEST_AHEAD_MS = 2_000;

const forgeries: readonly Forgery[] = ["next", "ahead", "other-epoch", "later-epoch", "last-epoch", "first"];

/** Everything that happens at random. A source that is added comes last, so that the others keep their numbers. */
export const sources: readonly Source[] = [
  { meanGapMs: 700, make: (random, shape) => ({ kind: "cut-clients", clients: someClients(random, shape, 3) }) },
  { meanGapMs: 25_000, make: (_, { clients }) => ({ kind: "cut-clients", clients: indices(clients) }) },
  {
    meanGapMs: 2_500,
    make: (random, { clients }) => ({ kind: "silence-client", client: index(random, clients), ...silence(random) }),
  },
  {
    meanGapMs: 15_000,
    make: (random, { clients }) => ({
      kind: "silence-client",
      client: index(random, clients),
      ...silence(random),
      // Beyond the time limit of an acknowledgement (10 s), and up to beyond Engine.IO's ping time-out (45 s).
      forMs: randomInteger(random, 10_000, 60_000),
    }),
  },
  {
    meanGapMs: 2_000,
    make: (random, { clients }) => ({ kind: "slow-client", client: index(random, clients), ...slowness(random) }),
  },
  {
    meanGapMs: 4_000,
    make: (random, { clients, firstReturningClient }) => ({
      kind: "return-client",
      client: randomInteger(random, firstReturningClient, clients - 1),
      awayMs: random() < 0.5 ? 0 : randomInteger(random, 0, 8_000),
    }),
  },
  {
    meanGapMs: 9_000,
    make: (random, { instances }) => ({
      kind: "kill-instance",
      instance: index(random, instances),
      downMs: randomInteger(random, 100, 3_000),
    }),
  },
  {
    meanGapMs: 18_000,
    make: (random, { instances }) => ({
      kind: "stop-instance",
      instance: index(random, instances),
      downMs: randomInteger(random, 0, 2_000),
    }),
  },
  {
    meanGapMs: 9_000,
    make: (random, { instances }) => ({
      kind: "freeze-instance",
      instance: index(random, instances),
      forMs: randomInteger(random, 300, 7_000),
    }),
  },
  {
    meanGapMs: 6_000,
    make: (random, { instances }) => ({ kind: "cut-redis-link", instance: index(random, instances) }),
  },
  {
    meanGapMs: 12_000,
    make: (random, { instances }) => ({
      kind: "silence-redis-link",
      instance: index(random, instances),
      ...silence(random),
    }),
  },
  {
    meanGapMs: 10_000,
    make: (random, { instances }) => ({
      kind: "slow-redis-link",
      instance: index(random, instances),
      ...slowness(random),
    }),
  },
  {
    meanGapMs: 8_000,
    make: (random) => ({
      kind: "kill-redis-connections",
      role: pick(random, ["commands", "subscriptions", "all"] as const) ?? "all",
    }),
  },
  {
    meanGapMs: 15_000,
    make: (random, { nodes }) => ({
      kind: "freeze-redis",
      node: index(random, nodes),
      forMs: randomInteger(random, 300, 4_000),
    }),
  },
  {
    meanGapMs: 12_000,
    make: (random, { nodes }) => ({
      kind: "restart-redis",
      node: index(random, nodes),
      how: pick(random, ["stop", "kill"] as const) ?? "kill",
      downMs: randomInteger(random, 0, 1_500),
      clockByMs: clockStep(random),
    }),
  },
  {
    meanGapMs: 12_000,
    make: (random, { nodes }) => ({
      kind: "rewind-redis",
      node: index(random, nodes),
      lostMs: randomInteger(random, 50, 1_500),
      downMs: randomInteger(random, 0, 1_500),
      clockByMs: clockStep(random),
    }),
  },
  {
    meanGapMs: 9_000,
    make: (random) => ({
      kind: "promote-replica",
      lostMs: random() < 0.3 ? 0 : randomInteger(random, 50, 1_500),
      oldMaster: pick(random, ["dies", "demoted"] as const) ?? "dies",
      besidesMs: random() < 0.7 ? 0 : randomInteger(random, 50, 1_500),
      clockByMs: clockStep(random),
    }),
  },
  {
    // Redis stalls for longer than a command may take, and for less than it takes to give up the connection.
    meanGapMs: 20_000,
    make: (random, { nodes }) => ({
      kind: "freeze-redis",
      node: index(random, nodes),
      forMs: randomInteger(random, 2_000, 4_000),
    }),
  },
  {
    // Beyond the 10 s after which an instance takes what it finds in its buffers for old.
    meanGapMs: 30_000,
    make: (random, { instances }) => ({
      kind: "freeze-instance",
      instance: index(random, instances),
      forMs: randomInteger(random, 10_000, 12_000),
    }),
  },
  { meanGapMs: 10_000, make: (random) => ({ kind: "step-redis-clock", byMs: clockStep(random) }) },
  {
    meanGapMs: 8_000,
    make: (random, { instances }) => ({
      kind: "step-instance-clock",
      instance: index(random, instances),
      byMs: randomInteger(random, -HOUR_MS, HOUR_MS),
    }),
  },
  {
    meanGapMs: 1_500,
    make: (random, { instances, rooms }) => ({
      kind: "forge-position",
      instance: index(random, instances),
      room: index(random, rooms),
      forgery: pick(random, forgeries) ?? "next",
    }),
  },
  {
    meanGapMs: 6_000,
    make: (random, { instances }) => ({
      kind: "deaf-reader",
      instance: index(random, instances),
      pages: randomInteger(random, 20, 200),
      forMs: randomInteger(random, 1_000, 8_000),
    }),
  },
  {
    meanGapMs: 5_000,
    make: (random, { rooms, nodes }) => ({
      kind: "move-slot",
      room: index(random, rooms),
      by: randomInteger(random, 1, Math.max(1, nodes - 1)),
    }),
  },
];

/** Back by up to seconds or up to an hour, ahead a little, or not at all. */
export function clockStep(random: Random): number {
  const farthestBackMs = pick(random, [0, 5_000, HOUR_MS]) ?? 0;
  return farthestBackMs === 0
    ? randomInteger(random, 0, 1) * FARTHEST_AHEAD_MS
    : randomInteger(random, -farthestBackMs, FARTHEST_AHEAD_MS);
}

function index(random: Random, count: number): number {
  return randomInteger(random, 0, count - 1);
}

function indices(count: number): number[] {
  return Array.from({ length: count }, (_, number) => number);
}

function someClients(random: Random, { clients }: Shape, atMost: number): number[] {
  const chosen = indices(randomInteger(random, 1, atMost)).map(() => index(random, clients));
  return [...new Set(chosen)];
}

function silence(random: Random): { forMs: number; end: SilenceEnd } {
  return { forMs: randomInteger(random, 500, 8_000), end: random() < 0.5 ? "heal" : "reset" };
}

function slowness(random: Random) {
  return {
    forMs: randomInteger(random, 1_000, 6_000),
    delayMs: randomInteger(random, 5, 250),
    splitBytes: randomInteger(random, 8, 200),
  };
}
