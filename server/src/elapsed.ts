/** A moment by both of the machine's clocks. */
export interface Moment {
  /** `performance.now()`: never set back, but on some machines it stands still while the machine sleeps. */
  readonly monotonicMs: number;
  /** `Date.now()`: goes on while the machine sleeps, but may be set. */
  readonly wallMs: number;
}

export function momentNow(): Moment {
  return { monotonicMs: performance.now(), wallMs: Date.now() };
}

/** Milliseconds since a moment: what the clock that went further says, and never less than 0. */
export function elapsedMs({ monotonicMs, wallMs }: Moment): number {
  return Math.max(0, performance.now() - monotonicMs, Date.now() - wallMs);
}
