import type { Gap, Position, Sender } from "@holdfast/client";

/** A message as the room's log has it. */
export interface Said {
  readonly kind: "said";
  readonly id: string;
  readonly position: Position;
  readonly text: string;
  readonly name: string | undefined;
  readonly from: Sender;
  readonly sentAtMs: number;
}

/** A place where messages may be missing. */
interface Missing {
  readonly kind: "missing";
  readonly id: string;
  readonly position: Position;
}

/** A message of one's own that has not come back from the room yet. */
export interface Waiting {
  readonly kind: "waiting";
  readonly id: string;
  readonly room: string;
  readonly text: string;
  readonly writtenAtMs: number;
  /** Why it was not stored. */
  readonly failure?: string;
}

/** Who has reacted to a message: emoji -> senders. */
export type Reactions = ReadonlyMap<string, ReadonlySet<string>>;

/** What a room has said, as far as it is loaded. */
export interface Timeline {
  readonly entries: readonly (Said | Missing)[];
  readonly waiting: readonly Waiting[];
  readonly reactions: ReadonlyMap<Position, Reactions>;
  /** What lies before the first entry: more of the log, its beginning, or not known yet. */
  readonly older: "unknown" | "loading" | "more" | "none";
}

export const emptyTimeline: Timeline = { entries: [], waiting: [], reactions: new Map(), older: "unknown" };

/** The same page in another room: what waits goes on waiting. */
export function inAnotherRoom({ waiting }: Timeline): Timeline {
  return { ...emptyTimeline, waiting };
}

/** A message has come, in the order of the log. */
export function heard(timeline: Timeline, said: Said): Timeline {
  const { entries, waiting } = timeline;
  return {
    ...timeline,
    entries: [...entries, said],
    waiting: waiting.filter(({ id }) => id !== said.id),
  };
}

/** A page of the log from before the first entry. */
export function readBack(timeline: Timeline, said: readonly Said[], isComplete: boolean): Timeline {
  return { ...timeline, entries: [...said, ...timeline.entries], older: isComplete ? "none" : "more" };
}

/** The last word of a sender about an emoji counts. Older words may come later, from before the first entry. */
export function reacted(
  timeline: Timeline,
  { to, emoji, by, isWithdrawn }: { to: Position; emoji: string; by: string; isWithdrawn: boolean },
): Timeline {
  const ofMessage = timeline.reactions.get(to);
  const senders = new Set(ofMessage?.get(emoji));
  if (isWithdrawn) senders.delete(by);
  else senders.add(by);
  const changed = new Map(ofMessage).set(emoji, senders);
  if (senders.size === 0) changed.delete(emoji);
  return { ...timeline, reactions: new Map(timeline.reactions).set(to, changed) };
}

/** Messages may be missing: behind the last entry that the gap says is complete. */
export function missing(timeline: Timeline, { after }: Gap, id: string): Timeline {
  const { entries } = timeline;
  const at = entries.findLastIndex(({ position }) => !isAfter(position, after)) + 1;
  const gap: Missing = { kind: "missing", id, position: after };
  return { ...timeline, entries: [...entries.slice(0, at), gap, ...entries.slice(at)] };
}

export function written(timeline: Timeline, waiting: Waiting): Timeline {
  return { ...timeline, waiting: [...timeline.waiting.filter(({ id }) => id !== waiting.id), waiting] };
}

export function notStored(timeline: Timeline, id: string, failure: string): Timeline {
  return { ...timeline, waiting: timeline.waiting.map((one) => (one.id === id ? { ...one, failure } : one)) };
}

/** A message is stored; it stays visible as waiting only where it has yet to come back from the room that is shown. */
export function stored(timeline: Timeline, id: string, shownRoom: string): Timeline {
  const isHeard = timeline.entries.some((entry) => entry.id === id);
  const isKept = (one: Waiting) => one.id !== id || (one.room === shownRoom && !isHeard);
  return { ...timeline, waiting: timeline.waiting.filter(isKept) };
}

/** Whether a position of the log lies after another one. */
function isAfter(a: Position, b: Position): boolean {
  const [epochA = 0, numberA = 0] = a.split("-").map(Number);
  const [epochB = 0, numberB = 0] = b.split("-").map(Number);
  return epochA === epochB ? numberA > numberB : epochA > epochB;
}
