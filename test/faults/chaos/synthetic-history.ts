import type { Position } from "../../../client/src/protocol/position.ts";
import type { Entry, History, Life, MemberEvent, Membership, Outcome, Publish } from "./history.ts";
import { reachVerdict } from "./verdict.ts";

// Histories that were never played, for the tests of the verdict.

const room = "harbour";
export const FIRST_EPOCH = 1_000;
export const SECOND_EPOCH = 2_000;
export const THIRD_EPOCH = 3_000;
export const LOST_AT_MS = 500;

/** `a0 a1 b0`: a message is named by its publisher and the number of its call; `-` is an entry that is no message. */
export function log(epoch: number, names: string, from = 0): Entry[] {
  return words(names).map((text, index) => ({
    position: `${epoch}-${from + index}`,
    text: text === "-" ? undefined : text,
  }));
}

export const lost = (names: string): Life => ({ kept: 0, appended: log(FIRST_EPOCH, names), endedAtMs: LOST_AT_MS });
export const standing = (names: string, epoch = SECOND_EPOCH, kept = 0): Life => ({
  kept,
  appended: log(epoch, names),
  endedAtMs: undefined,
});

export const message = (position: Position, text: string, replayed = false): MemberEvent => {
  return { kind: "message", position, text, replayed, atMs: LOST_AT_MS + 1 };
};
export const gap = (after: Position, position: Position, atMs = LOST_AT_MS + 1): MemberEvent => {
  return { kind: "gap", after, position, atMs };
};
export const returned = (since: Position): MemberEvent => ({ kind: "returned", since, atMs: LOST_AT_MS + 1 });

export function told(epoch: number, names: string, from = 0): MemberEvent[] {
  return words(names).map((text, index) => message(`${epoch}-${from + index}`, text));
}

export function membership(events: readonly MemberEvent[], joinedAt: Position | undefined = "0-0"): Membership {
  return { client: "reader", room, joinedAt, joinedAtMs: 0, eventsBeforeJoined: 0, events };
}

/** Every message of the logs, published in the order of its name and acknowledged where it was stored last. */
export function publishesOf(lives: readonly Life[]): Publish[] {
  const outcomes = new Map<string, Outcome>();
  for (const { appended, endedAtMs = Number.POSITIVE_INFINITY } of lives) {
    for (const { text, position } of appended) {
      const atMs = Math.min(endedAtMs - 1, 1_000);
      if (text !== undefined) outcomes.set(text, { kind: "acknowledged", position, atMs });
    }
  }
  return [...outcomes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([text, outcome]) => publish(text, outcome));
}

export function publish(text: string, outcome: Outcome): Publish {
  return { client: text.slice(0, 1), room, text, outcome };
}

interface Other {
  readonly publishes?: readonly Publish[];
  readonly served?: readonly Entry[];
  readonly instanceEndsMs?: readonly number[];
}

export function verdictOf(lives: readonly Life[], members: readonly Membership[], other: Other = {}) {
  const log = lives.reduce<Entry[]>((before, { kept, appended }) => [...before.slice(0, kept), ...appended], []);
  const served = other.served ?? log.filter(({ text }) => text !== undefined);
  const history: History = {
    rooms: [{ room, lives, served }],
    memberships: members,
    publishes: other.publishes ?? publishesOf(lives),
    instanceEndsMs: other.instanceEndsMs ?? [],
  };
  return reachVerdict(history);
}

export function kinds(lives: readonly Life[], members: readonly Membership[], other: Other = {}): string[] {
  return verdictOf(lives, members, other).problems.map(({ kind }) => kind);
}

export const words = (names: string) => names.split(" ").filter((name) => name !== "");
export const oneLog = [standing("a0 a1 b0 a2", FIRST_EPOCH)];
/** All of the first log was lost. */
export const twoLogs = [lost("a0 a1 a2"), standing("b0 b1")];
/** Of the first log the last two were lost. */
export const shortened = [lost("a0 a1 a2 a3"), standing("b0 b1", SECOND_EPOCH, 2)];
