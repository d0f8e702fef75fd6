import type { AnyContract, Gap, HistoryPage, Position, RoomMessage } from "@holdfast/client";

type Entry = RoomMessage | Gap;

/** A part of a room's log, up to its newest message: without a hole, or with a gap in its place. */
export interface MessageLog {
  readonly entries: readonly Entry[];
  /** Whether the room's log may hold more before it. */
  readonly isCut: boolean;
  /** Where the page ended that it begins with. */
  readonly end?: Position;
}

/** What a component shows until the room is joined. */
export interface Page extends MessageLog {
  /** Whether it is in the log of the handle, with all that follows it. */
  isIn?: boolean;
}

/** As many as a server keeps of a room, about, where its HISTORY_MAX_MESSAGES is the default. */
export const LIMIT = 1000;

export const NO_LOG: MessageLog = { entries: [], isCut: true };

export const isMessage = (entry: Entry): entry is RoomMessage => "event" in entry;

export function append(log: MessageLog, entry: Entry, limit: number): MessageLog {
  return { ...log, entries: [...log.entries, entry].slice(-limit) };
}

/** A page of `history` as a log. What follows its last message, also one that is lost, is told by joining from there. */
export const logOf = ({ messages, position }: HistoryPage<AnyContract>): Page => ({
  entries: messages.map((message) => ({ ...message, replayed: true })),
  // The newest page says that it is complete also where more lies before it.
  isCut: true,
  end: messages.at(-1)?.position ?? position,
});

/** The messages of one event, or of all, and the gaps by the index of the message behind them. */
export function select({ entries }: MessageLog, event: string | undefined) {
  const messages: RoomMessage[] = [];
  const gaps = new Map<number, Gap>();
  for (const entry of entries) {
    if (!isMessage(entry)) gaps.set(messages.length, entry);
    else if (!event || entry.event === event) messages.push(entry);
  }
  return { messages, gaps };
}
