import type { Status } from "@holdfast/client";

/** A connection of this tab: which instance served it, and how it ended. Times are `Date.now()`'s milliseconds. */
export interface Stay {
  readonly fromMs: number;
  readonly instance?: string;
  readonly deadlineMs?: number;
  /** How long the platform lets it live. */
  readonly lifeMs?: number;
  readonly toMs?: number;
  /** `moved`: the next one was there before this one was closed. `cut`: it was not. */
  readonly end?: "moved" | "cut";
  /** How long the move to the next one took. */
  readonly moveMs?: number;
}

/** The connection of this tab, and those before it. */
export interface Link {
  readonly status: Status;
  readonly isOnline: boolean;
  readonly stays: readonly Stay[];
  readonly movingSinceMs: number | undefined;
  readonly moves: number;
  readonly cuts: number;
}

export const newLink: Link = {
  status: "connecting",
  isOnline: true,
  stays: [],
  movingSinceMs: undefined,
  moves: 0,
  cuts: 0,
};

const keptStays = 50;

/** What follows for the connection from a new status of the client. */
export function statusChanged(link: Link, status: Status, nowMs: number): Link {
  const next = { ...link, status };
  if (status === "moving") return { ...next, movingSinceMs: nowMs };
  const ended = endOf(link, status, nowMs);
  const stays = ended === undefined ? link.stays : [...link.stays.slice(0, -1), ended];
  return {
    ...next,
    movingSinceMs: undefined,
    moves: link.moves + (ended?.end === "moved" ? 1 : 0),
    cuts: link.cuts + (ended?.end === "cut" ? 1 : 0),
    stays: (status === "connected" ? [...stays, { fromMs: nowMs }] : stays).slice(-keptStays),
  };
}

function endOf({ stays, movingSinceMs }: Link, status: Status, nowMs: number): Stay | undefined {
  const last = stays.at(-1);
  if (last === undefined || last.toMs !== undefined) return undefined;
  if (status === "connected" && movingSinceMs !== undefined) {
    return { ...last, toMs: nowMs, end: "moved", moveMs: nowMs - movingSinceMs };
  }
  return { ...last, toMs: nowMs, end: "cut" };
}

/** The server has said where the connection ends, and when. */
export function located(
  link: Link,
  { instance, ageMs, leftMs }: { instance: string; ageMs: number; leftMs: number | null },
  nowMs: number,
): Link {
  const last = link.stays.at(-1);
  if (last === undefined || last.toMs !== undefined) return link;
  const limits = leftMs === null ? {} : { deadlineMs: nowMs + leftMs, lifeMs: ageMs + leftMs };
  return { ...link, stays: [...link.stays.slice(0, -1), { ...last, instance, ...limits }] };
}

/** A piece of the last so many seconds: served by an instance, or away. */
export interface Piece {
  readonly key: string;
  readonly instance: string | undefined;
  readonly isAway: boolean;
  readonly ms: number;
}

/** The last `windowMs` as pieces that follow each other. */
export function pieces({ stays }: Pick<Link, "stays">, nowMs: number, windowMs: number): Piece[] {
  const startMs = nowMs - windowMs;
  return stays.flatMap((stay, index) => {
    const toMs = stay.toMs ?? nowMs;
    const nextMs = stays[index + 1]?.fromMs ?? (stay.toMs === undefined ? toMs : nowMs);
    const served = { key: `${stay.fromMs}`, instance: stay.instance, isAway: false, ms: within(stay.fromMs, toMs) };
    const away = { key: `${toMs} away`, instance: undefined, isAway: true, ms: within(toMs, nextMs) };
    return [served, ...(stay.end === "cut" ? [away] : [])].filter(({ ms }) => ms > 0);
  });
  function within(fromMs: number, toMs: number): number {
    return Math.max(0, toMs - Math.max(fromMs, startMs));
  }
}
