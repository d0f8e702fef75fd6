import type { Message, Page } from "./protocol/events.ts";
import { comparePositions, judge, type Position, START } from "./protocol/position.ts";

/** Continuity could not be proven. What was said between the two positions, both exclusive, may be lost. */
export interface Gap {
  /** The last position that was delivered before. */
  readonly after: Position;
  /**
   * Where delivery goes on: the position of the first message after the gap, or the log's head when none is retained.
   * It is before `after` when the log itself has lost its newest messages.
   */
  readonly position: Position;
}

/** A message as it is delivered. */
export interface Delivery extends Message {
  /** False when it came live, true when it was read from the log. */
  readonly replayed: boolean;
}

/** What the application is told next. */
export type Tell = (...told: ["message", Delivery] | ["gap", Gap]) => void;

/** Messages held while something before them is missing. What is beyond that is read from the log again. */
const HELD_MESSAGES = 1000;

/**
 * Continuity of one room; calling `tell` is its only effect. Messages, positions and pages of the log go in, in
 * whatever order and however often they come. Each message is told once, in the order of the log, and a gap where
 * continuity cannot be proven. `since` is the position to continue from; without it the first page decides.
 */
export function createSequencer(since: Position | undefined, tell: Tell) {
  /** Everything up to here is settled: told, from before the join, or given up in a gap. */
  let last = since;
  /** The highest `last` ever: nothing up to it is told, even where a log that lost its end makes `last` step back. */
  let top = since ?? START;
  /** The newest position heard of since the last read was asked for. */
  let heard = START;
  /** The log must be read, whatever was heard. */
  let isUnproven = true;
  let held: Message[] = [];

  const isAfter = (a: Position, b: Position) => comparePositions(a, b) > 0;

  function note(position: Position) {
    if (isAfter(position, heard)) heard = position;
  }

  function advance(position: Position) {
    last = position;
    if (isAfter(position, top)) top = position;
  }

  function take(message: Message, replayed: boolean) {
    const isNew = isAfter(message.position, top);
    advance(message.position);
    if (isNew) tell("message", { ...message, replayed });
  }

  /** Takes what is held as far as it continues what was taken. */
  function drain() {
    held = held
      .sort((a, b) => comparePositions(a.position, b.position))
      .filter((message) => {
        if (!isAfter(message.position, top)) return false;
        const verdict = last ? judge(last, message.position) : "hold";
        if (verdict === "deliver") take(message, false);
        return verdict === "hold";
      })
      .slice(0, HELD_MESSAGES);
  }

  return {
    /** Everything up to this position was told; undefined before the first page. */
    last: () => last,

    /**
     * What the server told, through any connection: live messages, or the log's head as it sees it. A head that is
     * behind means that the log has lost something.
     */
    hear({ messages = [], position }: { readonly messages?: readonly Message[]; readonly position?: Position }) {
      for (const message of messages) note(message.position);
      held.push(...messages);
      drain();
      if (!position) return;
      note(position);
      if (last && isAfter(last, position)) isUnproven = true;
    },

    /** True when the log must be read to go on. */
    isBehind: () => isUnproven || !last || isAfter(heard, last),

    /** A read or a join begins: it must answer with what comes after the returned position. */
    ask() {
      heard = START;
      isUnproven = false;
      return last;
    },

    /** The answer to what was asked after `asked`; undefined when none came. */
    answer(asked: Position | undefined, page: Page | undefined) {
      // Delivery may have gone on since it was asked, by live messages or by the other answer of a handover. Then a
      // fresh start or a loss in this answer says nothing, and its messages are taken only where they continue.
      const isExact = !last || asked === last;
      if (!page || !(isExact || (asked && page.recovered))) {
        // What was heard before it was asked must not be forgotten.
        isUnproven = true;
        return;
      }
      const { position, recovered, messages, complete } = page;
      if (last && !recovered) {
        const next = messages.find((message) => isAfter(message.position, top));
        tell("gap", { after: top, position: next?.position ?? position });
      }
      for (const message of messages) {
        const verdict = isExact || !last ? "deliver" : judge(last, message.position);
        if (verdict === "deliver") take(message, true);
        if (verdict === "hold") isUnproven = true;
      }
      if (!complete) isUnproven = true;
      else if (isExact) advance(position);
      drain();
    },
  };
}
