import { holderOf } from "../auth/holder.ts";
import { type LimitName, OverLimit } from "../errors.ts";
import { TokenBuckets } from "../token-buckets.ts";
import type { Caller } from "./caller.ts";

/**
 * Requests that a connection may send in one burst, and per second over time; expensive ones cost several tokens. Generous
 * for an application, these bound what a broken or hostile client can cost. A user's requests over HTTP have the same.
 */
const burstRequests = 2_000;
const requestsPerSecond = 1_000;
export const requestLimits = { burst: burstRequests, perSecond: requestsPerSecond };

/** What may come in one burst, in seconds' worth: all that waits in a client's outbox when it comes back. */
const burstSeconds = 5;

/** What a request counts as, beside its cost. */
export type Rate = "publishes" | "signals";

export interface UserRates {
  readonly publishesPerSecond: number;
  readonly signalsPerSecond: number;
}

/** What one user may do on an instance, over all of the user's connections and over HTTP. Without a user a session counts. */
export class UserLimits {
  readonly #rates: Readonly<Record<Rate, { readonly perSecond: number; readonly buckets: TokenBuckets }>>;
  readonly #requests = new TokenBuckets(requestLimits);

  constructor({ publishesPerSecond, signalsPerSecond }: UserRates) {
    this.#rates = { publishes: rate(publishesPerSecond), signals: rate(signalsPerSecond) };
  }

  /**
   * Takes what a request counts. Throws RATE_LIMITED with the time after which it may be sent again. The server's own side
   * is not limited; a connection's requests are counted by the connection.
   */
  take(
    { identity, connection }: Pick<Caller, "identity" | "connection">,
    cost: number,
    counts: Rate | undefined,
  ): void {
    if (identity.isTrusted) return;
    const holder = holderOf(identity);
    if (connection === "") refuseAfter(this.#requests.take(holder, cost), "requests per second", requestsPerSecond);
    if (counts === undefined) return;
    const { perSecond, buckets } = this.#rates[counts];
    refuseAfter(buckets.take(holder), `${counts} per second`, perSecond);
  }
}

function rate(perSecond: number): { perSecond: number; buckets: TokenBuckets } {
  return { perSecond, buckets: new TokenBuckets({ burst: perSecond * burstSeconds, perSecond }) };
}

function refuseAfter(waitMs: number, limit: LimitName, perSecond: number): void {
  if (waitMs === 0) return;
  throw new OverLimit(limit, "RATE_LIMITED", `this user sends more than ${perSecond} ${limit}`, waitMs);
}
