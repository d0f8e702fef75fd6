import type { BenchName } from "../benches.ts";

export const chapters = [
  "What a message costs",
  "What a connection costs",
  "Bad weather",
  "Platforms that cut",
  "Readers that harm",
  "Members",
  "Scale",
] as const;

export type Chapter = (typeof chapters)[number];

type Options = Readonly<Record<string, number>>;

interface Part {
  readonly chapter: Chapter;
  /** So that all benches together take about twenty minutes on two cores; what is left out has the bench's default. */
  readonly options: Options;
  /** Beside these with `--quick`: only whether it runs. */
  readonly quick: Options;
}

const [messages, connections, weather, platforms, readers, members, scale] = chapters;

/** How the page runs each bench. */
export const suite: Readonly<Record<BenchName, Part>> = {
  "hot-room": { chapter: messages, options: { seconds: 3 }, quick: { seconds: 1, rounds: 1, members: 40, rate: 100 } },
  "many-rooms": {
    chapter: messages,
    options: { seconds: 3 },
    quick: { seconds: 1, rounds: 1, members: 80, rate: 200 },
  },
  "batch-delay": { chapter: messages, options: { seconds: 4 }, quick: { seconds: 1, members: 40, rate: 100 } },
  compression: {
    chapter: messages,
    options: { seconds: 6, rounds: 3 },
    quick: { members: 20, rate: 20, seconds: 2, rounds: 1 },
  },
  "idle-instance": {
    chapter: messages,
    options: { seconds: 4, rounds: 4 },
    quick: { seconds: 1, rounds: 1, rate: 200 },
  },
  "publish-cost": { chapter: messages, options: {}, quick: { messages: 100 } },
  "dedup-memory": { chapter: messages, options: {}, quick: { most: 1_000 } },
  handshake: { chapter: connections, options: { connects: 1_000, rounds: 3 }, quick: { connects: 50, rounds: 1 } },
  memory: { chapter: connections, options: { clients: 1_000 }, quick: { clients: 50 } },
  startup: { chapter: connections, options: {}, quick: { runs: 2 } },
  jitter: { chapter: weather, options: { clients: 300, seconds: 20 }, quick: { clients: 10, seconds: 4, every: 2 } },
  kill: { chapter: weather, options: { clients: 300, seconds: 6 }, quick: { clients: 20, seconds: 3 } },
  "reconnect-storm": { chapter: weather, options: { clients: 500 }, quick: { clients: 20 } },
  handover: {
    chapter: platforms,
    options: { clients: 60, seconds: 25 },
    quick: { clients: 4, rate: 20, timeout: 8, seconds: 6 },
  },
  rollout: {
    chapter: platforms,
    options: { clients: 500, instances: 3 },
    quick: { clients: 20, instances: 2, drain: 2, grace: 5, stock: 0 },
  },
  cost: { chapter: platforms, options: { seconds: 20 }, quick: { clients: 10, alone: 2, timeout: 10, seconds: 4 } },
  "hostile-reader": {
    chapter: readers,
    options: { seconds: 9 },
    quick: { messages: 100, seconds: 2, rounds: 1, silent: 1, reads: 20 },
  },
  "stopped-readers": {
    chapter: readers,
    options: { seconds: 25, rounds: 1 },
    quick: { members: 2, stopped: 2, seconds: 2, rounds: 1 },
  },
  presence: {
    chapter: members,
    options: { members: 2_000, moves: 200, deaths: 4 },
    quick: { members: 300, moves: 100, deaths: 2 },
  },
  "idle-connections": { chapter: scale, options: {}, quick: { clients: 100, seconds: 2 } },
  "many-members": {
    chapter: scale,
    options: { seconds: 8 },
    quick: { members: 100, rooms: 10, rate: 50, seconds: 1, rounds: 1 },
  },
  flapping: { chapter: weather, options: { clients: 1_000, seconds: 40 }, quick: { clients: 20, seconds: 21 } },
  capacity: { chapter: scale, options: {}, quick: {} },
  growth: { chapter: scale, options: {}, quick: { seconds: 1, most: 100 } },
};
