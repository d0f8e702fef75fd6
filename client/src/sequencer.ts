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
  /**
   * Where delivery goes on: the first message after the gap, or the log's head when none is retained. It is `0-0`, and so
   * less than `after`, where the log is empty: it has expired, was cleared, or is in another Redis than `after` came from.
   */
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
  /** The application loads its own state after a fresh start and after each gap; nothing is delivered before it has. */
  readonly loads?: boolean;
}

/** What the server told: the messages of one append, or the log's head as it sees it. */
export interface Heard {
  readonly previous?: Position | undefined;
  readonly messages?: readonly Message[];
  readonly position?: Position;
}

/** A batch that does not continue what was taken. */
interface HeldBatch {
  readonly previous?: Position | undefined;
  readonly messages: readonly Message[];
  /** A read was asked for after it had come: where the answer does not reach it, the log does not have it. */
  isAskedFor?: boolean;
}

/** Batches held while something before them is missing. What is beyond that is read from the log again. */
const HELD_BATCHES = 200;
/** Ids that are remembered of the newest epoch. Twice as many are kept of the epochs before it. */
const REMEMBERED_IDS = 1000;
/** Gaps and ends of epochs that are remembered, so that another report of the same loss is not told again. */
const REMEMBERED_GAPS = 40;
/**
 * An id that comes again names the same message where the times of sending are no further apart than a publisher sends
 * again, and than the clocks of two instances may differ.
 */
const RESENT_WITHIN_MS = 7_200_000;

/**
 * Continuity of one room; calling `tell` is its only effect. Batches, positions and pages of the log go in, in
 * whatever order and however often they come. Each message is delivered once, in the order of the log, and a gap where
 * continuity cannot be proven. Delivery follows the chain of positions; numbers decide within an epoch only.
 */
export function createSequencer({ since, loads }: SequencerOptions, tell: Tell) {
  /** Everything up to here is settled: delivered, from before the join, or given up in a gap. */
  let last = since;
  /** Where the view begins. What an earlier life of the application has seen is unknown. */
  let began = START;
  /**
   * The gaps that were reported last, each with the message that came after it, once there is one. Where a gap was reported,
   * the newest message of each epoch before it stands there, too, as a gap without extent: what was delivered up to it is
   * covered by the gap, should it turn out to be lost.
   */
  let gaps: (Gap & { end?: Position })[] = [];
  /** The log must be read, whatever was heard. */
  let isUnproven = true;
  /** The head that the server told since the last read was asked for. */
  let head: Position | undefined;
  let held: HeldBatch[] = [];
  /** The application's own messages that the server has stored and that were not delivered yet: id and position. */
  const acknowledged = new Map<string, Position>();
  /** The message that was delivered last, and, since the last gap, the last one of each epoch before it. */
  let newest = START;
  let ends: Position[] = [];
  /**
   * What was delivered in the epoch of `newest`, and at the end of those before: id and time of sending. A publisher sends
   * again what a failover has lost.
   */
  let ids = new Map<string, number>();
  let earlierIds = new Map<string, number>();
  /** Nothing is delivered: the room is over, or the application is loading its state as of this position. */
  let stopped: Position | true | undefined;

  const isAfter = (a: Position, b: Position) => comparePositions(a, b) > 0;

  /**
   * Whether a message is not missed: it lies before the view or inside a gap that was reported, or it was delivered before such
   * a gap. Also if the log went back in the epoch in which a gap begins, unless delivery went on in that epoch after all.
   */
  const isSettled = (position: Position) =>
    isAfter(began, position) ||
    gaps.some(
      ({ after, position: to, end }) =>
        (isAfter(position, after) && isAfter(end ?? to, position)) ||
        isRepeat(after, position) ||
        (isSameEpoch(after, position) && isAfter(after, to) && !isRepeat(position, end ?? START)),
    );

  function closeGap(end: Position) {
    const gap = gaps.at(-1);
    if (gap) gap.end ??= end;
  }

  function tellGap(after: Position, position: Position) {
    closeGap(position);
    // A log that was lost may begin again at lower numbers, inside an earlier gap. What was delivered before that stays covered.
    if (isAfter(after, position)) gaps = gaps.map(({ after }) => ({ after, position: after }));
    if (isAfter(began, position)) began = START;
    ends.push(newest);
    for (const end of ends) gaps.push({ after: end, position: end });
    gaps.push({ after, position });
    gaps = gaps.slice(-REMEMBERED_GAPS);
    ends = [];
    forgetOwn(isSettled);
    tell("gap", { after, position });
  }

  function forgetOwn(isSettledAt: (own: Position) => boolean) {
    for (const [id, position] of acknowledged) if (isSettledAt(position)) acknowledged.delete(id);
  }

  function load(position: Position) {
    if (stopped) return;
    stopped = last = position;
    tell("load", position);
  }

  function take(message: Message, replayed: boolean) {
    const { id, position, sentAtMs } = message;
    acknowledged.delete(id);
    // An own message that lies before this one and has not come is lost, since the chain goes on without it.
    const lostOwn = [...acknowledged.values()].find((own) => isAfter(position, own));
    if (last && lostOwn) {
      tellGap(isAfter(last, lostOwn) ? (positionBefore(lostOwn) ?? began) : last, position);
      if (loads) {
        // The message itself is read again once the state is loaded.
        isUnproven = true;
        load(last);
      }
      if (stopped) return;
    }
    if (!isSameEpoch(newest, position)) {
      earlierIds = new Map([...earlierIds, ...ids].slice(-2 * REMEMBERED_IDS));
      ids = new Map();
      ends.push(newest);
    }
    newest = position;
    closeGap(position);
    const toldMs = ids.get(id) ?? earlierIds.get(id) ?? 0;
    if (Math.abs(sentAtMs - toldMs) > RESENT_WITHIN_MS) tell("message", { ...message, replayed });
    ids.set(id, sentAtMs);
    const [oldest] = ids.keys();
    if (oldest && ids.size > REMEMBERED_IDS) ids.delete(oldest);
    last = position;
  }

  function takeAll(messages: readonly Message[], replayed: boolean) {
    for (const message of messages) if (!stopped) take(message, replayed);
  }

  /** Takes a batch where it continues what was taken, or is a repeat of it. */
  function takeBatch(batch: HeldBatch) {
    // First, so that a batch without positions is refused here, and is not held.
    const had = judge(last ?? START, batch);
    if (had === undefined || !last || stopped) return false;
    takeAll(batch.messages.slice(had), false);
    return true;
  }

  /** Takes what is held as far as it continues what was taken. */
  function drain() {
    while (held.some((batch, index) => takeBatch(batch) && held.splice(index, 1)));
  }

  return {
    /** Everything up to this position was delivered; undefined before the first page. */
    last: () => last,

    /** What the server told, through any connection. */
    hear({ previous, messages, position = head }: Heard) {
      head = position;
      if (!messages) return;
      const batch = { previous, messages };
      if (takeBatch(batch)) drain();
      else if (held.length < HELD_BATCHES) held.push(batch);
      else isUnproven = true;
    },

    /** A notification may have been lost on the way. */
    doubt() {
      isUnproven = true;
    },

    /** True when the log must be read to go on. */
    isBehind: () =>
      !stopped && (isUnproven || !last || held.some((batch) => !batch.isAskedFor) || (head ?? last) !== last),

    /** A read or a join begins: it must answer with what comes after the returned position. */
    ask() {
      head = undefined;
      isUnproven = false;
      for (const batch of held) batch.isAskedFor = true;
      return last;
    },

    /** The answer to what was asked after `asked`; undefined when none came. */
    answer(asked: Position | undefined, page: Page | undefined) {
      if (stopped || !page) {
        isUnproven = true;
        return;
      }
      const { position, recovered, messages, complete, lost } = page;
      const from = last;
      let had = 0;
      if (!from) {
        began = messages[0]?.position ?? position;
        forgetOwn((own) => !isAfter(own, began));
      } else if (asked !== from) {
        // Delivery has gone on since it was asked, by live messages or by the other answer of a handover.
        had = messages.findIndex((message) => message.position === from) + 1;
        if (!had) {
          isUnproven ||= !isRepeat(from, position) || held.length > 0;
          return;
        }
      } else if (!recovered && !lost?.positions.every(isSettled)) {
        // A loss from another epoch, before the last delivery, that no gap has reported.
        const isLate = lost?.positions.some((gone) => isAfter(from, gone) && !isRepeat(from, gone) && !isSettled(gone));
        tellGap(lost && isLate ? lost.after : from, (!loads && messages[0]?.position) || position);
        if (loads) return load(position);
      }
      takeAll(messages.slice(had), true);
      if (stopped) return;
      isUnproven ||= !complete;
      if (complete) last = position;
      drain();
      if (complete) held = held.filter((batch) => !batch.isAskedFor);
      if (!from && loads) load(position);
    },

    /**
     * The server has stored one of the application's own messages, now or, for a duplicate, at an earlier attempt. A
     * duplicate is in the log, so it is missing only where delivery has not come so far.
     */
    acknowledged(id: string, position: Position, isDuplicate: boolean) {
      if (stopped === true || ids.has(id) || earlierIds.has(id)) return;
      const isTaken = last && (isDuplicate ? !isAfter(position, last) : isRepeat(last, position));
      if (!isTaken && !isSettled(position)) acknowledged.set(id, position);
    },

    /** The application's state is loaded, at least as of `position`. */
    loaded(position: Position) {
      if (position !== stopped) return;
      stopped = undefined;
      // The state contains them.
      forgetOwn((own) => !isAfter(own, position));
      drain();
    },

    /** Nothing is delivered any more. */
    close() {
      stopped = true;
    },
  };
}
