import { elapsedMs, type Moment, momentNow } from "./elapsed.ts";
import { OverdueTick } from "./overdue-tick.ts";

/** A pause is measured from the tick before it, and so may be up to this much shorter than what is measured. */
export const tickIntervalMs = 1_000;

/**
 * Notices that this process slept: it was stopped, its instance was frozen, its machine was suspended, or its event loop
 * was busy. After a sleep that was longer than a client waits for an answer, what lies in the buffers must not be carried
 * out: its sender has given it up, has come back through another instance, and may have said other things since.
 *
 * A timer alone would notice it too late, because sockets can be read before timers run. So everything that must not
 * serve what is old asks here first. That costs one look at the clocks.
 */
export class SleepDetector {
  readonly #tick: OverdueTick;
  readonly #timer: NodeJS.Timeout;
  readonly #listeners: ((sleptMs: number) => void)[] = [];
  #wokeAt: Moment | undefined;
  #sleeps = 0;

  /** @param longestMs - a pause of the event loop that is longer than this is taken for a sleep */
  constructor(longestMs: number) {
    this.#tick = new OverdueTick(longestMs);
    this.#timer = setInterval(() => {
      this.sleeps();
      this.#tick.tick();
    }, tickIntervalMs);
    this.#timer.unref();
  }

  /**
   * How many times the process has slept. Store this number at the start; if it differs later, the process slept in
   * between. The first call after a sleep also calls the listeners.
   */
  sleeps(): number {
    const sleptMs = this.#tick.overdueMs();
    if (sleptMs !== undefined) {
      this.#sleeps += 1;
      this.#wokeAt = momentNow();
      for (const listener of this.#listeners) listener(Math.round(sleptMs));
    }
    return this.#sleeps;
  }

  /** Milliseconds since the process woke from its last sleep; infinite where it never slept. */
  sinceWakeMs(): number {
    this.sleeps();
    return this.#wokeAt === undefined ? Number.POSITIVE_INFINITY : elapsedMs(this.#wokeAt);
  }

  /** Calls back after each sleep, before anything that lay in a buffer is served. */
  onWake(listener: (sleptMs: number) => void): void {
    this.#listeners.push(listener);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
