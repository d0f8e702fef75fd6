/** The leases as Redis answered them. All times are in milliseconds of Redis' clock. */
export interface LeaseView {
  readonly redisNowMs: number;
  readonly ownEndMs: number;
  /** Before this moment no instance is taken for dead, because Redis was away and nobody could renew. */
  readonly calmUntilMs: number;
  /** Name of an instance -> end of its lease. */
  readonly ends: ReadonlyMap<string, number>;
}

/** How far the clocks of a cluster's masters may be apart: a lease must have ended by this much before others act on it. */
const clockDifferenceMs = 1_000;

/** Whether an instance is gone: its lease has ended, or ended so long ago that it is not listed any more. */
export function isGone(view: LeaseView, name: string): boolean {
  if (view.redisNowMs < view.calmUntilMs) return false;
  const endMs = view.ends.get(name);
  return endMs === undefined || endMs + clockDifferenceMs < view.redisNowMs;
}

/**
 * Milliseconds from the view to the first moment at which one of these instances could be gone; undefined where none can.
 * An instance that lives renews its lease long before that, and each new view then moves the moment on.
 */
export function nextDeathMs(view: LeaseView, names: Iterable<string>): number | undefined {
  let nextMs: number | undefined;
  for (const name of names) {
    if (isGone(view, name)) continue;
    const goneAtMs = Math.max((view.ends.get(name) ?? 0) + clockDifferenceMs + 1, view.calmUntilMs);
    const inMs = goneAtMs - view.redisNowMs;
    if (nextMs === undefined || inMs < nextMs) nextMs = inMs;
  }
  return nextMs;
}
