import { expect } from "vitest";
import { comparePositions, type Position, START } from "../../../client/src/protocol/index.ts";
import type { Delivery, Gap } from "../../../client/src/sequencer.ts";

export type Told = { readonly message: Delivery } | { readonly gap: Gap };

/** One client in the room, by what it was told. */
export interface Witness {
  readonly told: readonly Told[];
  readonly gaps: readonly Gap[];
  /** Of the messages that it was told. */
  readonly ids: readonly string[];
  /** Where it joined, and how much history it was told with that. */
  readonly joined: { readonly at: Position; readonly told: number } | undefined;
  /** Where its sequencer stands. */
  readonly last: Position | undefined;
}

/** A message that the log has stored, and who was told so. */
export interface Acknowledged {
  readonly id: string;
  readonly position: Position;
  /** The instances that have acknowledged or delivered it, as `number.life`. */
  readonly knownTo: ReadonlySet<string>;
  /** The member whose own message it is, where it is one's. */
  readonly owner: Witness | undefined;
}

/** What came of a script, after the weather has cleared. */
export interface History {
  readonly members: readonly Witness[];
  readonly acknowledged: readonly Acknowledged[];
  /** As `number.life`. */
  readonly livingInstances: ReadonlySet<string>;
  /** How many faults may have lost something. */
  readonly lossFaults: number;
  /** The log's newest position. */
  readonly head: Position;
  /** The positions of its messages, in their order. */
  readonly kept: ReadonlySet<Position>;
}

/** What holds for every history. */
export function judge({ members, acknowledged, kept, head }: History): void {
  for (const member of members) {
    judgeMemory(member, kept);
    judgeStart(member, acknowledged, kept);
    expect(member.last).toBe(head);
    expect(new Set(member.ids).size, "a message was told twice").toBe(member.ids.length);
  }
}

/** A member that had a message that is gone was told a gap after it. What is older than the log may have been trimmed. */
function judgeMemory({ told }: Witness, kept: ReadonlySet<Position>): void {
  const [oldest] = kept;
  for (const [index, item] of told.entries()) {
    if ("gap" in item || oldest === undefined) continue;
    const { position } = item.message;
    if (kept.has(position) || comparePositions(position, oldest) < 0) continue;
    const isTold = told.slice(index).some((later) => "gap" in later);
    expect(isTold, `${position} is gone, and the member that had it was not told`).toBe(true);
  }
}

/** A member that joined behind a message that is gone was told a gap: its application's state contains the message. */
function judgeStart({ joined, gaps }: Witness, acknowledged: readonly Acknowledged[], kept: ReadonlySet<Position>) {
  const [oldest] = kept;
  if (joined === undefined || oldest === undefined || comparePositions(joined.at, oldest) < 0) return;
  // A member may also join behind an entry of the log that is no message.
  if (kept.has(joined.at) || !acknowledged.some(({ position }) => position === joined.at)) return;
  expect(gaps.length, `${joined.at} is gone, and the member that joined behind it was not told`).toBeGreaterThan(0);
}

/**
 * Reports of one loss do not pile up: a second one is told only where it names something that no gap has covered, as
 * far as a client can know. (That a loss is told once where nothing else happens is held by tests of the sequencer.)
 */
export function judgeGaps({ members, lossFaults }: History): void {
  for (const { gaps } of members) expect(gaps.length).toBeLessThanOrEqual(2 * lossFaults);
}

/**
 * Acknowledged messages that a member was not told although it was told later ones: a gap must say so, at the latest
 * once every instance has checked. A gap that comes late names an interval in which they lie. What was known only to
 * instances that no longer exist is told to nobody but its publisher.
 */
export function judgeLosses({ members, acknowledged, livingInstances }: History): void {
  for (const member of members) {
    for (const missing of missingFrom(member, acknowledged)) {
      // A publisher has sent it again, and it came later.
      if (member.ids.includes(missing.id)) continue;
      if (![...missing.knownTo].some((name) => livingInstances.has(name)) && missing.owner !== member) continue;
      const isTold = member.gaps.some(
        ({ after, position }) =>
          comparePositions(missing.position, after) > 0 && comparePositions(missing.position, position) < 0,
      );
      expect(isTold, `${missing.id} at ${missing.position} is missing in silence`).toBe(true);
    }
  }
}

/**
 * What lies between two deliveries of a member that have no gap between them, and was not told to it before. The history
 * that it joined with is what the log had then: what was lost before is nobody's loss.
 */
function missingFrom(member: Witness, acknowledged: readonly Acknowledged[]): Acknowledged[] {
  const found: Acknowledged[] = [];
  const told = new Set<string>();
  let from: Position | undefined;
  const { at: joinedAt, told: history } = member.joined ?? { at: START, told: 0 };
  for (const [index, item] of member.told.entries()) {
    // At the start of an empty log nothing is known of what came and went before.
    if (index === history && joinedAt !== START) from = joinedAt;
    if ("gap" in item) {
      from = undefined;
      continue;
    }
    const { id, position } = item.message;
    for (const missing of acknowledged) {
      if (from === undefined || index < history || told.has(missing.id) || missing.id === id) continue;
      const isBetween =
        comparePositions(missing.position, from) > 0 && comparePositions(missing.position, position) < 0;
      if (isBetween) found.push(missing);
    }
    told.add(id);
    from = position;
  }
  return found;
}

export function gapCount({ members }: History): number {
  return members.reduce((sum, { gaps }) => sum + gaps.length, 0);
}
