/** What this instance can do for clients now, in one place for every door. */
export class Availability {
  readonly #isRedisUp: () => boolean;
  #isGoingAway = false;
  #isSuspended = false;

  constructor(isRedisUp: () => boolean) {
    this.#isRedisUp = isRedisUp;
  }

  get isRedisUp(): boolean {
    return this.#isRedisUp();
  }

  /** True while the instance is unhealthy and admits nobody, because it is going away or may be. */
  get isDraining(): boolean {
    return this.#isGoingAway || this.#isSuspended;
  }

  /** The instance ends: it serves nobody any more. */
  goAway(): void {
    this.#isGoingAway = true;
  }

  /** The instance may be about to end: it admits nobody until it is resumed. */
  suspend(): void {
    this.#isSuspended = true;
  }

  /** Admits clients again, unless the instance is going away for good. */
  resume(): void {
    this.#isSuspended = false;
  }
}
