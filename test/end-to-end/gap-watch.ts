/** How long after an interruption deliveries still count as its aftermath. */
const AFTERMATH_MS = 1000;

/** Finds, for every interruption of a client (a move, a cut), the longest time that it then went without a delivery. */
export class GapWatch {
  /** One for each interruption that is over, in milliseconds. */
  readonly largestMs: number[] = [];
  #lastMs: number | undefined;
  #largestNowMs: number | undefined;
  #untilMs = Number.POSITIVE_INFINITY;

  delivered(nowMs: number): void {
    const gapMs = this.#lastMs === undefined ? 0 : nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (this.#largestNowMs === undefined) return;
    this.#largestNowMs = Math.max(this.#largestNowMs, gapMs);
    if (nowMs > this.#untilMs) this.settle();
  }

  /** An interruption begins. */
  begin(): void {
    this.settle();
    this.#largestNowMs = 0;
    this.#untilMs = Number.POSITIVE_INFINITY;
  }

  /** It is over, but for its aftermath. */
  end(nowMs: number): void {
    this.#untilMs = nowMs + AFTERMATH_MS;
  }

  /** Counts an interruption whose aftermath nobody waits for any more. */
  settle(): void {
    if (this.#largestNowMs !== undefined) this.largestMs.push(this.#largestNowMs);
    this.#largestNowMs = undefined;
  }
}
