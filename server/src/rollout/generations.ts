/** What tells the instances of a rollout from those that it replaces. */
export interface Generation {
  /** Names what was deployed; empty where nothing does. */
  readonly build: string;
  /** When the instance began to serve, by Redis' clock. */
  readonly startedAtMs: number;
}

/** What is known of a client whose instance asked it to move because it goes away. */
export interface Move {
  /** When the first of the instances that the client had to leave, one soon after the other, began to go away. */
  readonly sinceMs: number;
  /** The instance that it is leaving now. */
  readonly from: Generation;
  /** Until then its old connection serves it, and it can wait for a better place. */
  readonly mayWaitUntilMs: number;
}

/**
 * How long a rollout is thought to be under way after an instance has started, or a client has been asked to move. Longer
 * than an image takes to be pulled and a grace of some minutes to pass, and much shorter than from one rollout to the next.
 */
export const rolloutMs = 15 * 60_000;

/**
 * Whether an instance outlasts the rollout that makes a client move: it started after the client's first instance began to
 * go away, or it is of another build than the one that the client leaves, and younger.
 */
export function outlasts({ build, startedAtMs }: Generation, { sinceMs, from }: Move): boolean {
  return startedAtMs > sinceMs || (build !== from.build && startedAtMs > from.startedAtMs);
}

/**
 * Whether an instance sends a client that moves on, to one of the others: it will have to leave this one soon, others will
 * last, and the client can still wait.
 */
export function sendsOn(own: Generation, others: readonly Generation[], move: Move, nowMs: number): boolean {
  if (nowMs >= move.mayWaitUntilMs || outlasts(own, move)) return false;
  return others.some((other) => nowMs - other.startedAtMs < rolloutMs && outlasts(other, move));
}

/** A client that is sent on waits at most this long, at random, before it tries again. */
const longestRetryMs = 1_000;
const shortestRetryMs = 100;
/**
 * How often it has tried on average by the end of the time that it can wait. Where one of three instances lasts, fewer than
 * one client in ten thousand has missed it by then.
 */
const tries = 24;

/** Where a load balancer chooses, only trying again leads elsewhere: the less time is left, the sooner. */
export function retryAfterMs(leftMs: number, random: number): number {
  const spreadMs = Math.min(longestRetryMs, Math.max(shortestRetryMs, (2 * leftMs) / tries));
  return Math.ceil(random * spreadMs);
}
