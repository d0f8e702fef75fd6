/**
 * A position in a room's log: `<epochMs>-<seq>`, the id of the Redis stream entry that holds the message.
 * Within an epoch `seq` grows by exactly one, so a hole is visible; a log that was lost continues in a higher epoch,
 * so a position from before the loss is visible too.
 */
export type Position = `${number}-${number}`;

/** The position of a room in which nothing was said yet. */
export const START: Position = "0-0";

/**
 * What a position looks like: two decimal numbers without leading zeros, of at most 15 digits, so that both stay
 * exact as JavaScript numbers and as Lua's.
 */
export const POSITION_PATTERN = /^(?:0|[1-9]\d{0,14})-(?:0|[1-9]\d{0,14})$/;

/** The two halves of a well-formed position. */
export function splitPosition(position: Position): { epochMs: number; seq: number } {
  const dash = position.indexOf("-");
  return { epochMs: Number(position.slice(0, dash)), seq: Number(position.slice(dash + 1)) };
}

/** Negative when `a` is before `b`, zero when they are the same, positive when `a` is after `b`. */
export function comparePositions(a: Position, b: Position): number {
  const left = splitPosition(a);
  const right = splitPosition(b);
  return left.epochMs - right.epochMs || left.seq - right.seq;
}

/**
 * The continuity rule, the heart of the promise: what a receiver that has delivered everything up to `last` does with
 * a message at `next`.
 *
 * - `deliver`: it is the very next one.
 * - `drop`: it was delivered before, or belongs to an epoch that is over.
 * - `hold`: something may be missing in between; read the log after `last` first.
 */
export function judge(last: Position, next: Position): "deliver" | "drop" | "hold" {
  const from = splitPosition(last);
  const to = splitPosition(next);
  if (last === START) return to.seq === 0 ? "deliver" : "hold";
  if (to.epochMs < from.epochMs) return "drop";
  if (to.epochMs > from.epochMs) return "hold";
  if (to.seq <= from.seq) return "drop";
  return to.seq === from.seq + 1 ? "deliver" : "hold";
}
