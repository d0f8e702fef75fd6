/** Requests that a connection may send in one burst, and per second over time; dear ones count several times. */
const burstRequests = 2_000;
const requestsPerSecond = 1_000;

/**
 * A token bucket: what one connection may ask of the instance. Generous for an application, it bounds what a broken
 * or hostile client can cost.
 */
export class RateLimiter {
  #tokens = burstRequests;
  #filledAtMs: number;
  readonly #nowMs: () => number;

  constructor(nowMs: () => number = Date.now) {
    this.#nowMs = nowMs;
    this.#filledAtMs = nowMs();
  }

  /** Takes the tokens of one request: 0, or the milliseconds after which there will be as many. */
  take(cost = 1): number {
    const nowMs = this.#nowMs();
    // A clock that was set back counts as no time passed.
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#filledAtMs = nowMs;
    this.#tokens = Math.min(burstRequests, this.#tokens + (elapsedMs * requestsPerSecond) / 1000);
    if (this.#tokens < cost) return Math.ceil(((cost - this.#tokens) * 1000) / requestsPerSecond);
    this.#tokens -= cost;
    return 0;
  }
}
