/** Requests that a connection may send in one burst, and per second over time; expensive ones cost several tokens. */
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

  /** @param nowMs - a clock that only ever goes forward, so that setting the machine's time changes nothing */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
    this.#filledAtMs = nowMs();
  }

  /** Takes the tokens of one request: 0, or the milliseconds after which there will be as many. */
  take(cost = 1): number {
    const waitMs = this.waitMs(cost);
    if (waitMs === 0) this.#tokens -= cost;
    return waitMs;
  }

  /** Takes the tokens of something that was done already. What is missing is a debt that time pays first. */
  charge(cost: number): void {
    this.#fill();
    this.#tokens -= cost;
  }

  /** The milliseconds after which there will be so many tokens; 0 where there are. */
  waitMs(tokens: number): number {
    this.#fill();
    return this.#tokens >= tokens ? 0 : Math.ceil(((tokens - this.#tokens) * 1000) / requestsPerSecond);
  }

  #fill(): void {
    const nowMs = this.#nowMs();
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#filledAtMs = nowMs;
    this.#tokens = Math.min(burstRequests, this.#tokens + (elapsedMs * requestsPerSecond) / 1000);
  }
}
