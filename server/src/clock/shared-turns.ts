import { setTimeout as delay } from "node:timers/promises";

/**
 * Lets things that come one soon after another go on together, so that what they send goes out in one write. The first
 * goes on at once; those that come within the pause after a turn wait for its end.
 */
export class SharedTurns {
  readonly #pauseMs: number;
  #lastMs = Number.NEGATIVE_INFINITY;
  #next: Promise<void> | undefined;

  constructor(pauseMs: number) {
    this.#pauseMs = pauseMs;
  }

  /** Resolves when it is the caller's turn. Undefined where that is now. */
  turn(): Promise<void> | undefined {
    if (this.#next !== undefined) return this.#next;
    const leftMs = this.#lastMs + this.#pauseMs - performance.now();
    if (leftMs <= 0) {
      this.#lastMs = performance.now();
      return undefined;
    }
    this.#next = this.#after(leftMs);
    return this.#next;
  }

  async #after(ms: number): Promise<void> {
    await delay(ms);
    this.#next = undefined;
    this.#lastMs = performance.now();
  }
}
