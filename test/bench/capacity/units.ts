/** What one thing costs, as it was measured, and the command that measures it. */
export interface Unit {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly command: string;
}

const [growth, idle, alone, ids] = ["growth", "idle-connections", "idle-connections -- --members 1", "dedup-memory"];

/**
 * The unit costs of the capacity model, as the table of ARCHITECTURE.md has them. Another machine has others: measure
 * there, and tell `npm run bench capacity` by `--speed` how many times as fast it is.
 */
export const units = {
  publishUs: { what: "a message, to the instance that takes it", value: 400, unit: "us of CPU", command: growth },
  receiveUs: { what: "a message, to each instance with members", value: 150, unit: "us of CPU", command: growth },
  deliverUs: { what: "a delivery", value: 7, unit: "us of CPU", command: growth },
  restUs: { what: "a connection at rest, in a second", value: 37, unit: "us of CPU", command: idle },
  joinUs: { what: "a connection and its join", value: 1_400, unit: "us of CPU", command: idle },
  checkUs: { what: "a check of a room, by each instance with members", value: 30, unit: "us of CPU", command: alone },
  redisPublishUs: { what: "a message, to Redis", value: 110, unit: "us of Redis' CPU", command: growth },
  redisReceiveUs: {
    what: "a message, to Redis, for each instance",
    value: 13,
    unit: "us of Redis' CPU",
    command: growth,
  },
  redisCheckUs: { what: "a check of a room, to Redis", value: 15, unit: "us of Redis' CPU", command: alone },
  redisJoinUs: { what: "a connection and its join, to Redis", value: 80, unit: "us of Redis' CPU", command: idle },
  connectionBytes: { what: "a connection", value: 25_000, unit: "bytes of an instance", command: idle },
  messageBytes: { what: "a message in a log", value: 191, unit: "bytes of Redis", command: growth },
  idBytes: { what: "a remembered id", value: 160, unit: "bytes of Redis", command: ids },
  subscriptionBytes: {
    what: "a room, for each instance with members",
    value: 225,
    unit: "bytes of Redis",
    command: alone,
  },
} as const satisfies Record<string, Unit>;

export type Units = Readonly<Record<keyof typeof units, number>>;

/** The measured costs, those of CPU for a machine that is so many times as fast. */
export function unitsAt(speed: number): Units {
  const values = Object.entries(units).map(([name, { value }]) => [name, name.endsWith("Us") ? value / speed : value]);
  return Object.fromEntries(values) as Units;
}
