import type { Message, Page } from "./protocol/events.ts";
import {
  comparePositions,
  isRepeat,
  isSameEpoch,
  judge,
  type Position,
  positionBefore,
  START,
} from "./protocol/position.ts";

/** Continuity could not be proven. What was said between the two positions, both exclusive, may be lost. */
export interface Gap {
  /** What comes up to here is complete. It lies before the last delivery where the loss was found out later. */
  readonly after: Position;
  /** Where delivery goes on: the first message after the gap, or the log's head when none is retained. */
  readonly position: Position;
}

/** A message as it is delivered. */
export interface Delivery extends Message {
  /** False when it came live, true when it was read from the log. */
  readonly replayed: boolean;
}

/**
 * What happens next, in this order: a message or a gap to tell the application, or a position at which it has to load
 * its own state.
 */
export type Tell = (...told: ["message", Delivery] | ["gap", Gap] | ["load", Position]) => void;

export interface SequencerOptions {
  /** The position to continue from. Without it the first page decides. */
  readonly since?: Position | undefined;
  /** The application loads its own state after a fresh start and after each gap; nothing is told before it has. */
  readonly loads?: boolean;
}

/** What the server told: the messages of one append, or the log's head as it sees it. */
interface Heard {
  readonly previous?: Position;
  readonly messages?: readonly Message[];
  readonly position?: Position;
}

interface HeldBatch {
  readonly previous?: Position;
  readonly messages: readonly Message[];
}

/** Messages held while something before them is missing. What is beyond that is read from the log again. */
const HELD_MESSAGES = 1000;
/** Ids that are remembered of the newest epoch. Twice as many are kept of the epochs before it. */
const REMEMBERED_IDS = 1000;
/** Gaps that are remembered, so that another report of the same loss is not told again. */
const REMEMBERED_GAPS = 20;
/** An id that comes again is the same message when it was sent again within this time, clocks of instances apart. */
const RESENT_WITHIN_MS = 600_000;

/**
 * Continuity of one room; calling `tell` is its only effect. Batches, positions and pages of the log go in, in
 * whatever order and however often they come. Each message is told once, in the order of the log, and a gap where
 * continuity cannot be proven. Delivery follows the chain of positions; numbers decide within an epoch only.
 */
export function createSequencer({ since, loads }: SequencerOptions, tell: Tell) {
  /** Everything up to here is settled: told, from before the join, or given up in a gap. */
  let last = since;
  /** Where the view begins. What an earlier life of the application has seen is unknown. */
  let began = START;
  /** The gaps that were told last, each with the message that came after it, once there is one. */
  const gaps: (Gap & { end?: Position })[] = [];
  /** The log must be read, whatever was heard. */
  let isUnproven = true;
  /** The head that the server told since the last read was asked for. */
  let head: Position | undefined;
  /** Batches that do not continue `last`: those heard since the last read was asked for, and those from before. */
  let held: HeldBatch[] = [];
  let heldBeforeAsking: HeldBatch[] = [];
  /** The application's own messages that the server has stored and that were not told yet: id and position. */
  const acknowledged = new Map<string, Position>();
  /**
   * What was told in the epoch of `idsOf`, and at the end of those before: id and time of sending. A publisher sends
   * again what a failover has lost.
   */
  let ids = new Map<string, number>();
  let idsOf = START;
  let earlierIds = new Map<string, number>();
  /** The position at which the application is loading its state. */
  let loadingAt: Position | undefined;
  let isOver = false;

  const isStopped = () => isOver || loadingAt;

  const isAfter = (a: Position, b: Position) => comparePositions(a, b) > 0;

  const isIn = ({ after }: Gap, end: Position | undefined, position: Position) =>
    isAfter(position, after) && !(end && isAfter(position, end));

  /**
   * Whether a break is no news: the view began behind it, or gaps that reach over its end were told. What was lost lies
   * in such a gap, or in the epoch before it, of which the client has all that came before the gap.
   */
  const isKnown = ({ after, before, positions }: NonNullable<Page["lost"]>) =>
    !isAfter(before, began) ||
    positions.every((position) =>
      gaps.some(
        (gap) =>
          (isIn(gap, gap.end, before) || (!gap.end && gap.position === after)) &&
          (isIn(gap, gap.end, position) || isSameEpoch(gap.after, position)),
      ),
    );

  /** Whether an own message was published before the room was joined, or lies in a gap, and so is not missed. */
  const isSettled = (own: Position) =>
    !isAfter(own, began) || gaps.some((gap) => isIn(gap, gap.end ?? gap.position, own));

  function closeGap(end: Position) {
    const gap = gaps.at(-1);
    if (gap) gap.end ??= end;
  }

  function tellGap(after: Position, position: Position) {
    closeGap(position);
    gaps.push({ after, position });
    if (gaps.length > REMEMBERED_GAPS) gaps.shift();
    // A log that was lost may begin anew at lower numbers, which say nothing about the view any more.
    if (isAfter(began, position)) began = START;
    forgetSettled();
    tell("gap", { after, position });
  }

  function forgetSettled() {
    for (const [id, position] of acknowledged) if (isSettled(position)) acknowledged.delete(id);
  }

  function load(position: Position) {
    if (isOver) return;
    last = position;
    loadingAt = position;
    tell("load", position);
  }

  /** An own message before `position` that has not come: the log has lost it, since the chain goes on without it. */
  function findLostOwn(position: Position) {
    return [...acknowledged.values()].find((own) => isAfter(position, own));
  }

  function take(message: Message, replayed: boolean) {
    const { id, position, sentAtMs } = message;
    acknowledged.delete(id);
    const lostOwn = last && findLostOwn(position);
    if (last && lostOwn) {
      tellGap(isAfter(last, lostOwn) ? (positionBefore(lostOwn) ?? began) : last, position);
      if (loads) {
        // The message itself is read again once the state is loaded.
        isUnproven = true;
        load(last);
      }
      if (isStopped()) return;
    }
    if (!isSameEpoch(idsOf, position)) {
      earlierIds = new Map([...earlierIds, ...ids].slice(-2 * REMEMBERED_IDS));
      ids = new Map();
      idsOf = position;
    }
    closeGap(position);
    const toldMs = ids.get(id) ?? earlierIds.get(id) ?? 0;
    if (Math.abs(sentAtMs - toldMs) > RESENT_WITHIN_MS) tell("message", { ...message, replayed });
    ids.set(id, sentAtMs);
    for (const [oldest] of ids) {
      if (ids.size <= REMEMBERED_IDS) break;
      ids.delete(oldest);
    }
    last = position;
  }

  function takeAll(messages: readonly Message[], replayed: boolean) {
    for (const message of messages) if (!isStopped()) take(message, replayed);
  }

  /** Takes a batch where it continues what was taken, or is a repeat of it. */
  function takeBatch(batch: HeldBatch) {
    const had = last && !isStopped() ? judge(last, batch) : undefined;
    if (had === undefined) return false;
    takeAll(batch.messages.slice(had), false);
    return true;
  }

  /** Takes what is held as far as it continues what was taken. */
  function drain() {
    const isHeld = (batch: HeldBatch) => !takeBatch(batch);
    let count: number;
    do {
      count = held.length + heldBeforeAsking.length;
      heldBeforeAsking = heldBeforeAsking.filter(isHeld);
      held = held.filter(isHeld);
    } while (held.length + heldBeforeAsking.length < count);
  }

  return {
    /** Everything up to this position was told; undefined before the first page. */
    last: () => last,

    /** What the server told, through any connection. */
    hear({ previous, messages, position }: Heard) {
      if (position) head = position;
      if (!messages) return;
      const batch = { ...(previous && { previous }), messages };
      if (takeBatch(batch)) return drain();
      const count = [...heldBeforeAsking, ...held].reduce((sum, { messages: { length } }) => sum + length, 0);
      if (count < HELD_MESSAGES) held.push(batch);
      else isUnproven = true;
    },

    /** True when the log must be read to go on. */
    isBehind: () => !isStopped() && (isUnproven || !last || held.length > 0 || (head ?? last) !== last),

    /** A read or a join begins: it must answer with what comes after the returned position. */
    ask() {
      head = undefined;
      isUnproven = false;
      heldBeforeAsking.push(...held.splice(0));
      return last;
    },

    /** The answer to what was asked after `asked`; undefined when none came. */
    answer(asked: Position | undefined, page: Page | undefined) {
      if (isStopped() || !page) {
        isUnproven = true;
        return;
      }
      const { position, recovered, complete, lost } = page;
      let { messages } = page;
      const isFresh = !last;
      if (last && asked !== last) {
        // Delivery has gone on since it was asked, by live messages or by the other answer of a handover.
        if (isRepeat(last, position)) {
          isUnproven ||= heldBeforeAsking.length > 0;
          return;
        }
        const had = messages.findIndex((message) => message.position === last) + 1;
        if (!had) {
          isUnproven = true;
          return;
        }
        messages = messages.slice(had);
      } else if (!last) {
        began = messages[0]?.position ?? position;
        forgetSettled();
      } else if (!recovered && !(lost && isKnown(lost))) {
        const first = loads ? undefined : messages[0];
        const from = last;
        // What was lost of another epoch, and lies before the last delivery, has never been told.
        const isLate = lost?.positions.some((gone) => isAfter(from, gone) && !isSameEpoch(from, gone));
        tellGap(lost && isLate ? lost.after : from, first?.position ?? position);
        if (loads) {
          load(position);
          return;
        }
      }
      takeAll(messages, true);
      if (isStopped()) return;
      if (complete) {
        last = position;
        drain();
        heldBeforeAsking = [];
      } else {
        isUnproven = true;
        drain();
      }
      if (isFresh && loads) load(last ?? position);
    },

    /**
     * The server has stored one of the application's own messages, now or, for a duplicate, at an earlier attempt. A
     * duplicate is in the log, so it is missing only where delivery has not come so far.
     */
    acknowledged(id: string, position: Position, isDuplicate: boolean) {
      if (isStopped() || ids.has(id) || earlierIds.has(id)) return;
      const isTaken = last && (isDuplicate ? !isAfter(position, last) : isRepeat(last, position));
      if (!isTaken && !isSettled(position)) acknowledged.set(id, position);
    },

    /** The application's state is loaded, at least as of `position`. */
    loaded(position: Position) {
      if (position !== loadingAt) return;
      loadingAt = undefined;
      drain();
    },

    /** Nothing is told any more. */
    close() {
      isOver = true;
    },
  };
}
