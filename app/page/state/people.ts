import type { Sender } from "@holdfast/client";

export interface Person {
  readonly session: string;
  readonly name: string;
  readonly isOwn: boolean;
}

/** Who is in the room, and who writes just now. */
export interface People {
  readonly count: number | undefined;
  readonly here: readonly Person[];
  /** Session -> name and until when to show it. */
  readonly typing: ReadonlyMap<string, { readonly name: string; readonly untilMs: number }>;
}

export const nobody: People = { count: undefined, here: [], typing: new Map() };

/** How long somebody is shown as typing after the last sign of it. */
const typingShownMs = 3_000;

/** Oneself first, then by name. */
export function inOrder(people: readonly Person[]): Person[] {
  return people.toSorted((a, b) => Number(b.isOwn) - Number(a.isOwn) || a.name.localeCompare(b.name));
}

export function types(people: People, session: string, name: string, nowMs: number): People {
  return { ...people, typing: new Map(people.typing).set(session, { name, untilMs: nowMs + typingShownMs }) };
}

/** Forgets who has stopped typing: for a while, or because a message of theirs has come. */
export function typedUntil(people: People, nowMs: number, session?: string): People {
  const left = [...people.typing].filter(([typist, { untilMs }]) => typist !== session && untilMs > nowMs);
  return left.length === people.typing.size ? people : { ...people, typing: new Map(left) };
}

/** What a sender is called: as it calls itself, or by its user; a back end has no session. */
export function nameOf({ user, session }: Sender, ownWord: string | undefined): string {
  return ownWord ?? user ?? (session === null ? "Server" : `Guest ${session.slice(0, 4)}`);
}

/** "Ann Lee" -> "AL". */
export function initials(name: string): string {
  const [first = "", ...others] = name.split(/\s+/);
  const last = others.at(-1) ?? "";
  return (last === "" ? [...first].slice(0, 2) : [...first].slice(0, 1).concat([...last].slice(0, 1)))
    .join("")
    .toUpperCase();
}

/** One of `tones` colours, always the same for one text. */
export function toneOf(text: string, tones = 6): number {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973;
  return sum % tones;
}
