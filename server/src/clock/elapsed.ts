/** A moment by both clocks of this machine. */
export interface Moment {
  /** Steady and never set, but it stands still while a virtual machine sleeps. */
  readonly monotonicMs: number;
  /** Goes on through a sleep, but may be set forward and back. */
  readonly wallMs: number;
}

export function momentNow(): Moment {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

/**
 * How long ago a moment was, by the clock that has gone further, and never negative. It is for noticing that this
 * process or its machine slept. Time limits take `performance.now()` alone: a clock that is set forward would end them.
 */
export function elapsedMs(since: Moment, now = momentNow()): number {
  return Math.max(0, now.monotonicMs - since.monotonicMs, now.wallMs - since.wallMs);
}
