/**
 * A client that a draining instance refused tries again at a random moment within this time. It does not back off
 * further and further: the next attempt may reach another instance, and its old connection will not last.
 */
const longestRetryMs = 1_000;
/** The same as a share of the drain time, where that is short: several attempts have to fit. */
const retryShare = 0.1;
/** But never less: where nothing is drained, clients would come back at the speed of the network. */
const shortestRetryMs = 100;

/** What this instance can do for clients now, in one place for every door. */
export class Availability {
  readonly #isRedisUp: () => boolean;
  readonly #drainMs: number;
  #isGoingAway = false;
  #isSuspended = false;

  constructor(isRedisUp: () => boolean, drainMs: number) {
    this.#isRedisUp = isRedisUp;
    this.#drainMs = drainMs;
  }

  get isRedisUp(): boolean {
    return this.#isRedisUp();
  }

  /** True while the instance is unhealthy and admits nobody, because it is going away or may be. */
  get isDraining(): boolean {
    return this.#isGoingAway || this.#isSuspended;
  }

  /** When a client that is refused meanwhile tries again. */
  drainingRetryMs(): number {
    return Math.ceil(Math.random() * Math.min(longestRetryMs, Math.max(shortestRetryMs, this.#drainMs * retryShare)));
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
