/** What Redis said of the leases, all in its own milliseconds. */
export interface LeaseView {
  readonly redisNowMs: number;
  readonly ownEndMs: number;
  /** Until then nobody may be taken for dead: Redis was away. */
  readonly calmUntilMs: number;
  /** Name of an instance -> end of its lease. */
  readonly ends: ReadonlyMap<string, number>;
}

/** How far the clocks of a cluster's masters may be apart: a lease must have ended by this much before others act on it. */
const clockDifferenceMs = 1_000;

/** Whether an instance is gone: its lease has ended, or is so long over that it is not listed any more. */
export function isGone(view: LeaseView, name: string): boolean {
  if (view.redisNowMs < view.calmUntilMs) return false;
  const endMs = view.ends.get(name);
  return endMs === undefined || endMs + clockDifferenceMs < view.redisNowMs;
}

/**
 * How long after the view one of these instances may turn out to be gone; undefined where none can. A living one renews
 * its lease long before that, so in a quiet time the moment is put off again and again.
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
