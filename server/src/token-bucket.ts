export interface TokenBucketOptions {
  /** Tokens that may be taken in one burst. */
  readonly burst: number;
  readonly perSecond: number;
  /** A clock that only ever goes forward, so that setting the machine's time changes nothing. */
  readonly nowMs?: () => number;
}

/** A limit that allows bursts: tokens are taken for what is done, and come back with time. */
export class TokenBucket {
  readonly #burst: number;
  readonly #perSecond: number;
  readonly #nowMs: () => number;
  #tokens: number;
  #filledAtMs: number;

  constructor({ burst, perSecond, nowMs = () => performance.now() }: TokenBucketOptions) {
    this.#burst = burst;
    this.#perSecond = perSecond;
    this.#nowMs = nowMs;
    this.#tokens = burst;
    this.#filledAtMs = nowMs();
  }

  /** Takes tokens and returns 0, or takes none and returns the milliseconds after which there will be as many. */
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
    return this.#tokens >= tokens ? 0 : Math.ceil(((tokens - this.#tokens) * 1000) / this.#perSecond);
  }

  #fill(): void {
    const nowMs = this.#nowMs();
    const elapsedMs = Math.max(0, nowMs - this.#filledAtMs);
    this.#filledAtMs = nowMs;
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsedMs * this.#perSecond) / 1000);
  }
}
