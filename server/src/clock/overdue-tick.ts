import { elapsedMs, momentNow } from "./elapsed.ts";

/** Notices, by a regular tick that is overdue, that this process was stopped or frozen, or its machine asleep. */
export class OverdueTick {
  readonly #longestMs: number;
  #lastTick = momentNow();

  /** @param longestMs - a tick is overdue that comes later than this after the one before it */
  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  tick(): void {
    this.#lastTick = momentNow();
  }

  /**
   * The time since the last tick where the next one is overdue, which then counts as a tick, so that one sleep is told
   * once; otherwise undefined.
   */
  overdueMs(): number | undefined {
    const sinceTickMs = elapsedMs(this.#lastTick);
    if (sinceTickMs <= this.#longestMs) return undefined;
    this.tick();
    return sinceTickMs;
  }
}
