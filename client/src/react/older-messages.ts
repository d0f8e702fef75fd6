import type { AnyContract, Position, Room, RoomMessage } from "@holdfast/client";
import { isMessage, type MessageLog } from "./message-log.ts";
import type { State } from "./state.ts";

// Loaded only where older messages are asked for.

/** The state that has the messages which a handle keeps. */
type Kept = Pick<State<{ readonly log: MessageLog }>, "now" | "set">;

const PAGE_MESSAGES = 50;

/**
 * Puts a page of what lies before a log in front of it, as far as it fits.
 *
 * @param isCut - whether there is more before the page
 */
export function prepend(
  log: MessageLog,
  messages: readonly Omit<RoomMessage, "replayed">[],
  isCut: boolean,
  limit: number,
): MessageLog {
  // A log that was lost may begin again at lower numbers, so that what comes before by number may be here already.
  const known = new Set(log.entries.map((entry) => isMessage(entry) && entry.position));
  const older = messages
    .filter(({ position }) => !known.has(position))
    .map((message) => ({ ...message, replayed: true }));
  return { ...log, isCut: isCut && older.length > 0, entries: [...older, ...log.entries].slice(-limit) };
}

/**
 * What to read before, to get what precedes a log.
 *
 * @param end - where a log without entries stands
 */
export function beginOf({ entries: [first] }: MessageLog, end: Position | undefined): Position | undefined {
  if (first && isMessage(first)) return first.position;
  // The server takes it as exclusive.
  return (first?.after ?? end)?.replace(/\d+$/, (number) => `${+number + 1}`) as Position | undefined;
}

/** By handle: what it reads now. */
const reading = new WeakMap<Kept, Promise<void>>();

/**
 * Reads pages until there is a message of this event, or of any; or none is left, or there is no place for more. Never
 * two at a time.
 *
 * @param limit - how many messages the handle keeps
 * @param page - is shown, but the room was joined without it: what lies between is read, and the page put in front
 */
export async function loadOlder(
  room: Room<AnyContract>,
  state: Kept,
  limit: number,
  event: string | undefined,
  page: MessageLog | undefined,
): Promise<void> {
  await room.ready;
  if (page) return reachBack(room, state, limit, page);
  const read = reading.get(state) ?? readOlder(room, state, limit, event).finally(() => reading.delete(state));
  reading.set(state, read);
  return read;
}

async function readOlder(room: Room<AnyContract>, state: Kept, limit: number, event?: string): Promise<void> {
  for (;;) {
    const { log } = state.now;
    const before = beginOf(log, room.position);
    if (!before || !log.isCut || log.entries.length >= limit) return;
    const { messages, complete } = await room.history({ before, limit: PAGE_MESSAGES });
    state.set({ log: prepend(state.now.log, messages, !complete, limit) });
    if (messages.some((message) => !event || message.event === event)) return;
  }
}

async function reachBack(room: Room<AnyContract>, state: Kept, limit: number, page: MessageLog): Promise<void> {
  const isReached = () => state.now.log.entries.some((entry) => isMessage(entry) && entry.position === page.end);
  for (let before: MessageLog | undefined; !isReached() && before !== state.now.log; ) {
    before = state.now.log;
    await loadOlder(room, state, limit, undefined, undefined);
  }
  if (!isReached()) return;
  const longer = prepend(state.now.log, page.entries.filter(isMessage), page.isCut, limit);
  if (longer.entries.length > state.now.log.entries.length) state.set({ log: longer });
}
