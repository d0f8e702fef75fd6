import { pick, type Random, randomInteger, seededRandom } from "../../support/random.ts";

/** It is gone, or it becomes a replica and keeps its connections. */
export type OldMaster = "dies" | "demoted";

/** One failover. Times are in milliseconds. */
export interface Failover {
  /** The same Redis comes back from what it had a moment ago, or a replica that missed the last moment is promoted. */
  readonly kind: "restart" | "promotion";
  /** So many publishes are acknowledged in the moment that is lost; undefined: nothing is lost. */
  readonly losing: number | undefined;
  /** What becomes of the master whose place a replica takes. */
  readonly oldMaster: OldMaster;
  /** For how long there is no Redis. */
  readonly downMs: number;
  /** How long everything works before it. */
  readonly restMs: number;
  /** A client that is away from before this failover until so many later ones have happened; undefined: none. */
  readonly away: { readonly client: number; readonly failovers: number } | undefined;
  /** A new client comes before it. */
  readonly arrival: boolean;
}

export interface FailoverPlanOptions {
  readonly seed: number;
  readonly count: number;
  readonly isLossy: boolean;
  readonly oldMasters: readonly OldMaster[];
  /** Clients that may be away: from this one on, so many. */
  readonly firstRoamer: number;
  readonly roamers: number;
}

const MOST_LOST = 20;
const LONGEST_DOWN_MS = 150;
const LONGEST_REST_MS = 300;
const LONGEST_ABSENCE = 4;
const AWAY_SHARE = 0.3;
const ARRIVALS = 10;

/** What happens in which order: a pure function of the seed. */
export function planFailovers(options: FailoverPlanOptions): Failover[] {
  const random = seededRandom(options.seed);
  const every = Math.ceil(options.count / ARRIVALS);
  return Array.from({ length: options.count }, (_, number) => ({
    kind: pick(random, ["restart", "promotion"] as const) ?? "restart",
    losing: lostCount(random, options.isLossy),
    oldMaster: pick(random, options.oldMasters) ?? "dies",
    downMs: randomInteger(random, 0, LONGEST_DOWN_MS),
    restMs: randomInteger(random, 0, LONGEST_REST_MS),
    away: absence(random, options),
    arrival: number % every === every - 1,
  }));
}

function lostCount(random: Random, isLossy: boolean): number | undefined {
  const count = randomInteger(random, 0, MOST_LOST);
  return isLossy ? count : undefined;
}

function absence(random: Random, { firstRoamer, roamers }: FailoverPlanOptions): Failover["away"] {
  const isAway = random() < AWAY_SHARE;
  const client = randomInteger(random, firstRoamer, firstRoamer + roamers - 1);
  const failovers = randomInteger(random, 1, LONGEST_ABSENCE);
  return isAway ? { client, failovers } : undefined;
}
