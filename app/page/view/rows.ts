import { nameOf } from "../state/people.ts";
import type { State } from "../state/state.ts";
import type { Reactions, Said, Waiting } from "../state/timeline.ts";

/** A row of the list of messages. */
export type Row =
  | { readonly kind: "beginning" | "older" }
  | { readonly kind: "day"; readonly atMs: number }
  | { readonly kind: "new" }
  | { readonly kind: "missing"; readonly id: string }
  | MessageRow;

export interface MessageRow {
  readonly kind: "message";
  readonly message: Said | Waiting;
  readonly sender: string;
  /** What its colour comes from. */
  readonly senderKey: string;
  readonly isOwn: boolean;
  /** The first of several that one sender wrote one after the other. */
  readonly isFirst: boolean;
  readonly atMs: number;
  readonly reactions: Reactions | undefined;
}

/** Messages of one sender within this time stand together. */
const togetherMs = 5 * 60_000;

type Shown = Pick<State, "timeline" | "reading" | "people" | "session" | "room" | "name">;

/** What the list shows, from top to bottom: the log, what is missing in it, and what waits. */
export function rowsOf({ timeline, reading, people, session, room, name }: Shown): Row[] {
  const rows: Row[] = [];
  const names = new Map(people.here.map((person) => [person.session, person.name]));
  let previous: MessageRow | undefined;
  let day = "";
  if (timeline.older === "none") rows.push({ kind: "beginning" });
  else if (timeline.older === "loading") rows.push({ kind: "older" });

  const add = (message: Said | Waiting, atMs: number, sender: string, senderKey: string, isOwn: boolean) => {
    const today = new Date(atMs).toDateString();
    if (today !== day) rows.push({ kind: "day", atMs });
    const isFirst =
      previous === undefined || today !== day || previous.senderKey !== senderKey || atMs - previous.atMs > togetherMs;
    day = today;
    const reactions = message.kind === "said" ? timeline.reactions.get(message.position) : undefined;
    previous = { kind: "message", message, sender, senderKey, isOwn, isFirst, atMs, reactions };
    rows.push(previous);
  };

  for (const entry of timeline.entries) {
    if (entry.id === reading.firstUnread) {
      rows.push({ kind: "new" });
      previous = undefined;
    }
    if (entry.kind === "missing") {
      rows.push({ kind: "missing", id: entry.id });
      previous = undefined;
      continue;
    }
    const { from } = entry;
    const sender = nameOf(from, entry.name ?? names.get(from.session ?? ""));
    add(entry, entry.sentAtMs, sender, from.user ?? from.session ?? "server", from.session === session);
  }
  for (const message of timeline.waiting) {
    if (message.room !== room) continue;
    add(message, message.writtenAtMs, nameOf({ user: null, session }, name), session, true);
  }
  return rows;
}
