import type { Member } from "@holdfast/client/protocol";
import type { PresenceFrame } from "./frame.ts";
import type { Entry, PresenceMode } from "./member.ts";
import type { MemberVersion } from "./member-version.ts";

/** The members of a room as an instance knows them. In the mode "count" there are no entries. */
export interface RoomCopy {
  readonly version: MemberVersion;
  readonly count: number;
  readonly mode: PresenceMode;
  readonly entries: ReadonlyMap<string, Entry>;
}

/** What the clients of an instance are sent. */
export interface MembersNotice {
  readonly version: MemberVersion;
  /** Absent where `joined` is the whole list. */
  readonly previous: MemberVersion | undefined;
  readonly joined: readonly Member[];
  readonly updated: readonly Member[];
  readonly left: readonly string[];
  readonly count: number;
  readonly mode: PresenceMode;
}

/** What to do with a frame, for an instance whose copy is this. */
export type FrameStep = "take" | "old" | "read" | "other epoch";

export function judgeFrame({ version, mode }: RoomCopy, frame: PresenceFrame): FrameStep {
  // The copy is that of a room without a version: nobody was in it, so no earlier frame can be missing.
  if (version.epoch === "0") return frame.previous === 0 && frame.mode === "members" ? "take" : "read";
  if (frame.epoch !== version.epoch) return "other epoch";
  if (frame.n <= version.n) return "old";
  if (frame.mode === "count") return "take";
  return mode === "members" && frame.previous === version.n ? "take" : "read";
}

/** The copy after a frame that is to be taken. */
export function takeFrame(copy: RoomCopy, { epoch, n, count, mode, changes }: PresenceFrame): RoomCopy {
  const entries = new Map(mode === "members" ? copy.entries : []);
  for (const { session, entry } of changes) {
    if (entry === undefined) entries.delete(session);
    else entries.set(session, entry);
  }
  return { version: { epoch, n }, count, mode, entries };
}

/** What the clients of an instance were sent so far, and which sessions have changed since. */
export interface Told {
  readonly version: MemberVersion;
  readonly mode: PresenceMode;
  readonly sessions: ReadonlySet<string>;
  /** What is still to be told, in the order of the first changes. A session that came and went is in it, too. */
  readonly touched: ReadonlyMap<string, Touched>;
}

/** The numbers of a session's changes. */
interface Touched {
  /** Of the first that was not told, or not to all. */
  readonly first: number;
  readonly last: number;
}

/** Takes note of the sessions that a frame touches. */
export function touch(told: Told, { n, changes }: PresenceFrame): Told {
  const touched = new Map(told.touched);
  for (const { session } of changes) touched.set(session, { first: touched.get(session)?.first ?? n, last: n });
  return { ...told, touched };
}

/** Bytes of states in one notification; the rest comes in the next. */
const statesBytes = 64 * 1024;

/**
 * The next notice. It says what every touched session is now, not what happened to it, so notices may overlap: a client
 * that moved here was sent notices by another instance, which end at other numbers. Sessions that do not fit wait, and the
 * version of the notice then ends before the first of their changes. A client that knows more than that, from its join,
 * ignores the notice, so what has changed further on is sent once more. Undefined where there is nothing to send.
 */
export function fold(told: Told, copy: RoomCopy): { readonly notice: MembersNotice; readonly told: Told } | undefined {
  const { count, mode } = copy;
  if (told.version.epoch !== copy.version.epoch || told.mode !== mode) return wholeNotice(copy);
  if (told.version.n === copy.version.n) return undefined;
  const left: string[] = [];
  const joined: Member[] = [];
  const updated: Member[] = [];
  const waiting = new Map<string, Touched>();
  let bytes = 0;
  // In the order of first changes, so that what waits is what changed last.
  for (const [session, changed] of told.touched) {
    const entry = copy.entries.get(session);
    bytes += entry?.stateBytes ?? 0;
    const fits = waiting.size === 0 && (bytes <= statesBytes || joined.length + updated.length === 0);
    if (!fits) waiting.set(session, changed);
    else if (entry === undefined) left.push(session);
    else if (told.sessions.has(session)) updated.push(entry.member);
    else joined.push(entry.member);
  }
  const [firstWaiting] = waiting.values();
  const n = firstWaiting === undefined ? copy.version.n : Math.max(told.version.n, firstWaiting.first - 1);
  const version = { epoch: copy.version.epoch, n };
  const sessions = new Set(told.sessions);
  for (const session of left) sessions.delete(session);
  for (const { session } of joined) sessions.add(session);
  return {
    notice: { version, previous: told.version, joined, updated, left, count, mode },
    told: { version, mode, sessions, touched: touchedBeyond(n, told.touched, waiting) },
  };
}

/**
 * What is to be told after a notice that ends at `n`. Whoever ignores it knows the next number at least, so that only what
 * has changed behind that is missing there.
 */
function touchedBeyond(n: number, touched: Told["touched"], waiting: Told["touched"]): Told["touched"] {
  if (waiting.size === 0) return waiting;
  const again = [...touched].flatMap(([session, { last }]): [string, Touched][] =>
    waiting.has(session) || last <= n + 1 ? [] : [[session, { first: last, last }]],
  );
  return new Map([...waiting, ...again].toSorted(([, one], [, other]) => one.first - other.first));
}

/** A notice with the whole list: clients compare it with theirs. */
export function wholeNotice(copy: RoomCopy): { readonly notice: MembersNotice; readonly told: Told } {
  const { version, count, mode, entries } = copy;
  const joined = [...entries.values()].map(({ member }) => member);
  return {
    notice: { version, previous: undefined, joined, updated: [], left: [], count, mode },
    told: { version, mode, sessions: new Set(entries.keys()), touched: new Map() },
  };
}
