import { defineBench } from "../bench.ts";
import { UsageError } from "../usage-error.ts";
import type { Plan } from "./capacity.ts";
import { capacityReport } from "./report.ts";
import { unitsAt } from "./units.ts";

const GIBIBYTE = 2 ** 30;
const MEBIBYTE = 2 ** 20;
const GIGABIT_BYTES = 1e9 / 8;

type Values = Readonly<
  Record<
    "connections" | "rooms" | "joined" | "perMinute" | "history" | "load" | "mib" | "redisGib" | "gbit" | "speed",
    number
  >
>;

export const capacityOf = defineBench<keyof Values>({
  summary: "what so many connections need, by the capacity model of ARCHITECTURE.md: computed, not measured",
  options: {
    connections: { default: 100_000, meaning: "connections" },
    rooms: { default: 5_000, meaning: "rooms, over which they are spread evenly" },
    joined: { default: 1, meaning: "rooms that each connection is in" },
    perMinute: { default: 1, meaning: "messages that each connection publishes in a minute" },
    history: { default: 1_000, meaning: "messages that each log keeps (HISTORY_MAX_MESSAGES)" },
    load: { default: 60, meaning: "% of its core that an instance or a Redis may be busy" },
    mib: { default: 1_024, meaning: "MiB for the connections of an instance" },
    redisGib: { default: 8, meaning: "GiB of memory of a Redis" },
    gbit: { default: 1, meaning: "gigabit a second from a Redis to the instances" },
    speed: { default: 1, meaning: "how many times as fast a core is as where the unit costs were measured" },
  },
  async run(values) {
    return capacityReport(planOf(values), unitsAt(values.speed));
  },
});

/** The plan that the options describe. Throws a UsageError for what has no answer. */
export function planOf({ load, mib, redisGib, gbit, ...values }: Values): Plan {
  for (const [name, value] of Object.entries({ ...values, load, mib, redisGib, gbit })) {
    if (value <= 0 && name !== "perMinute" && name !== "history")
      throw new UsageError(`--${name}: expected more than 0`);
  }
  return {
    ...values,
    load: load / 100,
    instanceBytes: mib * MEBIBYTE,
    redisBytes: redisGib * GIBIBYTE,
    redisBytesPerSecond: gbit * GIGABIT_BYTES,
  };
}
