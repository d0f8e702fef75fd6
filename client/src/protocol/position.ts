/**
 * A position in a room's log: `<epochMs>-<seq>`, the id of the Redis stream entry that holds the message.
 * Within an epoch `seq` grows by exactly one. A new epoch begins with each life of the data in Redis, and its first
 * message names the position before it, so the messages of a log are a chain across epochs, too.
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
  const [epochMs, seq] = halves(position);
  return { epochMs, seq };
}

const halves = (position: Position) => position.split("-").map(Number) as [epochMs: number, seq: number];

/**
 * Negative when `a` is before `b`, zero when they are the same, positive when `a` is after `b`. This is the order of
 * one log. Across epochs it does not say what a client has got: a log that was lost may begin again at lower numbers.
 */
export function comparePositions(a: Position, b: Position): number {
  const [epochA, seqA] = halves(a);
  const [epochB, seqB] = halves(b);
  return epochA - epochB || seqA - seqB;
}

export function isSameEpoch(a: Position, b: Position): boolean {
  return halves(a)[0] === halves(b)[0];
}

/** Whether a receiver at `last` has had `position`, as far as numbers can tell: within one epoch. */
export function isRepeat(last: Position, position: Position): boolean {
  return isSameEpoch(last, position) && comparePositions(position, last) <= 0;
}

/** The position before this one; undefined for the first of an epoch, which does not tell it. */
export function positionBefore(position: Position): Position | undefined {
  const [epochMs, seq] = halves(position);
  return seq ? `${epochMs}-${seq - 1}` : undefined;
}

/** Messages that follow each other in a log, and the position before the first of them. */
export interface Batch {
  /** Absent in what older servers send. Within an epoch it follows from the first message's own position. */
  readonly previous?: Position | undefined;
  readonly messages: readonly { readonly position: Position }[];
}

/**
 * The continuity rule, the heart of the promise: what a receiver that has delivered everything up to `last` does with
 * a batch.
 *
 * @returns the number of messages at its beginning that the receiver had already, the rest being the very next ones;
 *   undefined where something may be missing in between: read the log after `last` first
 */
export function judge(last: Position, { previous, messages }: Batch): number | undefined {
  const [first] = messages;
  const newest = messages.at(-1);
  if (!first || !newest) return 0;
  const had = messages.findIndex(({ position }) => position === last) + 1;
  if (had || (previous ?? positionBefore(first.position)) === last) return had;
  return isRepeat(last, newest.position) ? messages.length : undefined;
}
