import { elapsedMs, momentNow } from "./elapsed.ts";

/** A tick that is later than this was not merely late: the process had been frozen. */
const frozenAfterMs = 1_000;

/** Notices that this process was frozen, or its machine asleep, by a tick that is overdue. */
export class OverdueTick {
  readonly #tickIntervalMs: number;
  #lastTick = momentNow();

  constructor(tickIntervalMs: number) {
    this.#tickIntervalMs = tickIntervalMs;
  }

  tick(): void {
    this.#lastTick = momentNow();
  }

  /** How long the process slept; undefined where it did not, and the second time that one sleep is asked about. */
  notice(): number | undefined {
    const sleptMs = elapsedMs(this.#lastTick) - this.#tickIntervalMs;
    if (sleptMs < frozenAfterMs) return undefined;
    this.tick();
    return sleptMs;
  }
}
