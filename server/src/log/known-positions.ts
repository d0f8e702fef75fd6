import { isRepeat, isSameEpoch, type Position, START, splitPosition } from "@holdfast/client/protocol";
import type { ChainLink } from "../broadcast/frame.ts";
import { elapsedMs, type Moment, momentNow } from "../clock/elapsed.ts";

/** Rooms without local members of which this instance remembers what it has acknowledged. */
const rememberedRooms = 10_000;
/** A log may expire this much earlier than an instance reckons, because commands take time; a short expiry has half. */
const expiryMarginMs = 5_000;

/** Losses of a room that are remembered in case that their loss entry is lost, too. */
const rememberedLosses = 8;

/** A position that this instance has delivered or acknowledged. */
export interface Evidence {
  readonly position: Position;
  /**
   * Present where the log lacks `position` and has reported that: the loss entry. As long as the log has it, readers
   * learn of the loss, whatever was lost of what came after the entry.
   */
  readonly toldAt?: Position;
}

interface Known {
  /** The newest position of each epoch that the log may lack as it is now. Almost always one. */
  readonly positions: readonly Position[];
  readonly losses: readonly Required<Evidence>[];
  /** When the log was used last in a way that puts off its expiry. */
  readonly noted: Moment;
}

/**
 * What this instance knows of every room's log, in one place: what it has delivered to its members, to notice a
 * broadcast that was lost on the way, and what it has delivered or acknowledged, as evidence against a log that has
 * lost it. Evidence follows the chain: it is given up only where the log is known to contain it. Evidence that the log
 * has reported as lost is kept as a loss, in case that the loss entry is lost, too.
 */
export class KnownPositions {
  readonly #longestMs: number;
  readonly #delivered = new Map<string, Position>();
  readonly #known = new Map<string, Known>();

  /** @param historyTtlSeconds an idle log expires after this, and evidence of it means nothing any more */
  constructor(historyTtlSeconds: number) {
    const ttlMs = historyTtlSeconds * 1000;
    this.#longestMs = ttlMs - Math.min(expiryMarginMs, ttlMs / 2);
  }

  /** The position that this instance has delivered last in a room with local members; undefined in any other. */
  delivered(room: string): Position | undefined {
    return this.#delivered.get(room);
  }

  /**
   * A member has joined whose delivery goes on after `head`. The first one decides: for those that follow, what was
   * delivered since then counts.
   */
  enter(room: string, head: Position): void {
    if (!this.#delivered.has(room)) this.#delivered.set(room, head);
  }

  /** The members were notified that the log stands at `head`. Nothing is kept of a room whose last member has left meanwhile. */
  catchUp(room: string, head: Position): void {
    if (this.#delivered.has(room)) this.#delivered.set(room, head);
  }

  /** The last local member has left. What was delivered stays evidence. */
  leave(room: string): void {
    this.#delivered.delete(room);
  }

  /** A broadcast has come, and is delivered. Returns false where the log may have lost something: it must be checked. */
  receive(room: string, { previous, head, lost }: ChainLink): boolean {
    this.catchUp(room, head);
    const { positions, losses } = this.#lookUp(room);
    // The usual case, which happens for each broadcast: it follows what is known, or is that itself.
    if (lost === undefined && positions.every((position) => position === previous || position === head)) {
      this.#keep(room, { positions: [head], losses, noted: momentNow() });
      return true;
    }
    const isContained = (position: Position) =>
      isRepeat(head, position) || (previous !== undefined && isRepeat(previous, position));
    const isTold = (position: Position) =>
      !isContained(position) && lost?.some((gone) => isRepeat(gone, position)) === true;
    const untold = positions.filter((position) => !isTold(position));
    const doubtful = untold.filter((position) => !isContained(position));
    const told = positions.filter(isTold).map(toldAt(head));
    // Losing a loss entry needs no report, so the messages before it stay evidence.
    const isLossEntry = lost !== undefined && splitPosition(head).seq === 0;
    this.#note(room, isLossEntry ? untold : [...doubtful, head], [...losses, ...told]);
    return doubtful.every((position) => isSameEpoch(position, head));
  }

  /** What has to be shown to a script that can compare it with the log. */
  evidence(room: string): readonly Evidence[] {
    const { positions, losses } = this.#lookUp(room);
    return [...positions.map((position) => ({ position })), ...losses];
  }

  /**
   * A script has compared what was `shown` with the log, and has reported that the log lacks the positions in `lost`.
   * If the newest message of a log survives, so does everything before it: it is the evidence from now on.
   */
  settle(room: string, shown: readonly Evidence[], { newest, head, lost, renewed }: Settlement): void {
    const { positions, losses, noted } = this.#lookUp(room);
    const [only] = positions;
    if (lost.length === 0 && losses.length === 0 && renewed && positions.length === 1 && only === newest) {
      this.#keep(room, { positions, losses, noted: momentNow() });
      return;
    }
    const unsettled = positions.filter((position) => !shown.some((settled) => isRepeat(settled.position, position)));
    const told = [...losses.filter(({ position }) => !lost.includes(position)), ...lost.map(toldAt(head))];
    // Where no message is among the newest entries, the evidence that was found stands for it.
    const found = newest === START ? positions.filter((position) => !lost.includes(position)) : [...unsettled, newest];
    this.#note(room, found, told, renewed ? momentNow() : noted);
  }

  /** Every room of which this instance has evidence that is at most so old. */
  rooms(youngerThanMs = Number.POSITIVE_INFINITY): string[] {
    return [...this.#known].flatMap(([room, { noted }]) => (elapsedMs(noted) <= youngerThanMs ? room : []));
  }

  #lookUp(room: string): Known {
    const known = this.#known.get(room);
    if (known !== undefined && elapsedMs(known.noted) <= this.#longestMs) return known;
    return { positions: [], losses: [], noted: momentNow() };
  }

  #note(room: string, found: readonly Position[], losses: readonly Required<Evidence>[], noted = momentNow()): void {
    // Of one epoch the newest position stands for all.
    const isNewest = (position: Position) => found.every((other) => other === position || !isRepeat(other, position));
    const positions = [...new Set(found)].filter((position) => position !== START && isNewest(position));
    this.#keep(room, { positions, losses: losses.slice(-rememberedLosses), noted });
  }

  #keep(room: string, known: Known): void {
    // Deleted first, so that the room that was longest without news is the first to be forgotten.
    this.#known.delete(room);
    if (known.positions.length + known.losses.length > 0) this.#known.set(room, known);
    if (this.#known.size <= rememberedRooms + this.#delivered.size) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}

/** What a script found when it compared evidence with the log. */
export interface Settlement {
  /** The log's newest message. */
  readonly newest: Position;
  /** Its newest entry, which may be a loss entry. */
  readonly head: Position;
  readonly lost: readonly Position[];
  /** Whether the script has put off the expiry of the log. */
  readonly renewed: boolean;
}

/** `head` is the position after the report. A loss entry begins an epoch, and what is appended with it goes on there. */
function toldAt(head: Position) {
  const lossEntry: Position = `${splitPosition(head).epochMs}-0`;
  return (position: Position): Required<Evidence> => ({ position, toldAt: lossEntry });
}
