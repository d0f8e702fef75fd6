import { pick, type Random, randomInteger, seededRandom } from "../../support/random.ts";
import type { OldMaster } from "../chaos/fault.ts";

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
  /** For each instance, how much later than Redis its line to Redis is back. */
  readonly lateMs: readonly number[];
  /** Publishers whose connection breaks as Redis goes, with the acknowledgements that were on their way. */
  readonly cut: readonly number[];
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
  readonly instances: number;
  readonly publishers: number;
  readonly oldMasters: readonly OldMaster[];
  /** Clients that may be away: from this one on, so many. */
  readonly firstRoamer: number;
  readonly roamers: number;
}

const MOST_LOST = 20;
const LONGEST_DOWN_MS = 150;
const LATE_SHARE = 0.3;
const LATEST_MS = 400;
const CUT_SHARE = 0.3;
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
    lateMs: Array.from({ length: options.instances }, () => lateness(random)),
    cut: Array.from({ length: options.publishers }, (_, client) => client).filter(() => random() < CUT_SHARE),
    restMs: randomInteger(random, 0, LONGEST_REST_MS),
    away: absence(random, options),
    arrival: number % every === every - 1,
  }));
}

function lostCount(random: Random, isLossy: boolean): number | undefined {
  const count = randomInteger(random, 0, MOST_LOST);
  return isLossy ? count : undefined;
}

/** Most are there at once, so that the first one to append is now this, now that. */
function lateness(random: Random): number {
  return random() < LATE_SHARE ? randomInteger(random, 0, LATEST_MS) : 0;
}

function absence(random: Random, { firstRoamer, roamers }: FailoverPlanOptions): Failover["away"] {
  const isAway = random() < AWAY_SHARE;
  const client = randomInteger(random, firstRoamer, firstRoamer + roamers - 1);
  const failovers = randomInteger(random, 1, LONGEST_ABSENCE);
  return isAway ? { client, failovers } : undefined;
}
