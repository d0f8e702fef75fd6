import { TokenBucket, type TokenBucketOptions } from "./token-bucket.ts";

/**
 * A token bucket for each of many holders, of which only those are kept that may be less than full: a bucket that was
 * not asked for over the time in which it fills is as good as a new one. So the memory is bounded by what is going on.
 */
export class TokenBuckets {
  readonly #options: TokenBucketOptions;
  readonly #nowMs: () => number;
  /** In this time an empty bucket fills. */
  readonly #fillMs: number;
  #current = new Map<string, TokenBucket>();
  #previous = new Map<string, TokenBucket>();
  #turnedAtMs: number;

  constructor(options: TokenBucketOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? (() => performance.now());
    this.#fillMs = (options.burst * 1000) / options.perSecond;
    this.#turnedAtMs = this.#nowMs();
  }

  /** How many are kept. */
  get size(): number {
    return this.#current.size + this.#previous.size;
  }

  /** Takes tokens of a holder's bucket, as `TokenBucket.take` does. */
  take(holder: string, cost = 1): number {
    this.#turn();
    const bucket = this.#current.get(holder) ?? this.#previous.get(holder) ?? new TokenBucket(this.#options);
    this.#previous.delete(holder);
    this.#current.set(holder, bucket);
    return bucket.take(cost);
  }

  /** Forgets the buckets that nobody has asked for since the turn before. */
  #turn(): void {
    const sinceTurnMs = this.#nowMs() - this.#turnedAtMs;
    if (sinceTurnMs < this.#fillMs) return;
    this.#previous = sinceTurnMs < 2 * this.#fillMs ? this.#current : new Map();
    this.#current = new Map();
    this.#turnedAtMs += sinceTurnMs;
  }
}
