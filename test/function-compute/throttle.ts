/** Counts requests in windows of a second, and says which are too many. */
export class Throttle {
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #requests = 0;

  /** Whether one more request is above the limit. */
  exceeds(limit: number | null, nowMs = performance.now()): boolean {
    if (limit === null) return false;
    if (nowMs - this.#windowStartMs >= 1000) {
      this.#windowStartMs = nowMs;
      this.#requests = 0;
    }
    this.#requests += 1;
    return this.#requests > limit;
  }
}
