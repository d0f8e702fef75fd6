import { expect, test } from "vitest";
import type { Position } from "../../../client/src/protocol/position.ts";
import type { Entry, History, Life, MemberEvent, Membership, Outcome, Publish } from "./history.ts";
import { reachVerdict } from "./verdict.ts";

// Synthetic histories: the verdict is known to catch each way in which a run can break the promise.

const room = "harbour";
const FIRST_EPOCH = 1_000;
const SECOND_EPOCH = 2_000;
const THIRD_EPOCH = 3_000;
const LOST_AT_MS = 500;

/** `a0 a1 b0`: a message is named by its publisher and the number of its call; `-` is an entry that is no message. */
function log(epoch: number, names: string, from = 0): Entry[] {
  return words(names).map((text, index) => ({
    position: `${epoch}-${from + index}`,
    text: text === "-" ? undefined : text,
  }));
}

const lost = (names: string): Life => ({ kept: 0, appended: log(FIRST_EPOCH, names), endedAtMs: LOST_AT_MS });
const standing = (names: string, epoch = SECOND_EPOCH, kept = 0): Life => ({
  kept,
  appended: log(epoch, names),
  endedAtMs: undefined,
});

const message = (position: Position, text: string, replayed = false): MemberEvent => {
  return { kind: "message", position, text, replayed, atMs: LOST_AT_MS + 1 };
};
const gap = (after: Position, position: Position, atMs = LOST_AT_MS + 1): MemberEvent => {
  return { kind: "gap", after, position, atMs };
};
const returned = (since: Position): MemberEvent => ({ kind: "returned", since, atMs: LOST_AT_MS + 1 });

function told(epoch: number, names: string, from = 0): MemberEvent[] {
  return words(names).map((text, index) => message(`${epoch}-${from + index}`, text));
}

function membership(events: readonly MemberEvent[], joinedAt: Position | undefined = "0-0"): Membership {
  return { client: "reader", room, joinedAt, joinedAtMs: 0, eventsBeforeJoined: 0, events };
}

/** Every message of the logs, published in the order of its name and acknowledged where it was stored last. */
function publishesOf(lives: readonly Life[]): Publish[] {
  const outcomes = new Map<string, Outcome>();
  for (const { appended, endedAtMs = Number.POSITIVE_INFINITY } of lives) {
    for (const { text, position } of appended) {
      const atMs = Math.min(endedAtMs - 1, 1_000);
      if (text !== undefined) outcomes.set(text, { kind: "acknowledged", position, atMs });
    }
  }
  return [...outcomes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([text, outcome]) => publish(text, outcome));
}

function publish(text: string, outcome: Outcome): Publish {
  return { client: text.slice(0, 1), room, text, outcome };
}

interface Other {
  readonly publishes?: readonly Publish[];
  readonly served?: readonly Entry[];
  readonly instanceEndsMs?: readonly number[];
}

function verdictOf(lives: readonly Life[], members: readonly Membership[], other: Other = {}) {
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

function kinds(lives: readonly Life[], members: readonly Membership[], other: Other = {}): string[] {
  return verdictOf(lives, members, other).problems.map(({ kind }) => kind);
}

const words = (names: string) => names.split(" ").filter((name) => name !== "");
const oneLog = [standing("a0 a1 b0 a2", FIRST_EPOCH)];
/** All of the first log was lost. */
const twoLogs = [lost("a0 a1 a2"), standing("b0 b1")];
/** Of the first log the last two were lost. */
const shortened = [lost("a0 a1 a2 a3"), standing("b0 b1", SECOND_EPOCH, 2)];

test("a member who was told the whole log in its order is content", () => {
  expect(kinds(oneLog, [membership(told(FIRST_EPOCH, "a0 a1 b0 a2"))])).toEqual([]);
});

test("a member is owed only what was said after it joined", () => {
  expect(kinds(oneLog, [membership(told(FIRST_EPOCH, "b0 a2", 2), `${FIRST_EPOCH}-1`)])).toEqual([]);
});

test("a member who asked for history is owed what follows the first message that it got", () => {
  const withHistory = (names: string) => ({
    ...membership(told(FIRST_EPOCH, names, 1), `${FIRST_EPOCH}-2`),
    eventsBeforeJoined: 2,
  });
  expect(kinds(oneLog, [withHistory("a1 b0 a2")])).toEqual([]);
  expect(kinds(oneLog, [withHistory("a1 b0")])).toEqual(["lost"]);
});

test("a message left out in the middle is lost", () => {
  const events = [...told(FIRST_EPOCH, "a0 a1"), message(`${FIRST_EPOCH}-3`, "a2")];
  expect(kinds(oneLog, [membership(events)])).toEqual(["lost"]);
});

test("messages left out at the beginning and at the end are lost", () => {
  expect(kinds(oneLog, [membership(told(FIRST_EPOCH, "a1 b0 a2", 1))])).toEqual(["lost"]);
  expect(kinds(oneLog, [membership(told(FIRST_EPOCH, "a0 a1"))])).toEqual(["lost", "lost"]);
  expect(kinds(oneLog, [membership([])])).toEqual(["lost", "lost", "lost", "lost"]);
});

test("a message told again is repeated, at once or later", () => {
  expect(kinds(oneLog, [membership([...told(FIRST_EPOCH, "a0"), ...told(FIRST_EPOCH, "a0 a1 b0 a2")])])).toEqual([
    "repeated",
  ]);
  expect(kinds(oneLog, [membership([...told(FIRST_EPOCH, "a0 a1 b0 a2"), ...told(FIRST_EPOCH, "a0")])])).toEqual([
    "repeated",
  ]);
});

test("two messages told in the wrong order are reordered, and neither is lost", () => {
  const events = [0, 2, 1, 3].map((seq) => message(`${FIRST_EPOCH}-${seq}`, words("a0 a1 b0 a2")[seq] ?? ""));
  expect(kinds(oneLog, [membership(events)])).toEqual(["reordered"]);
});

test("a message with other content than in the log, or with no place in it, is altered", () => {
  const events = told(FIRST_EPOCH, "a0 a1 b0 a2");
  const altered = events.with(1, message(`${FIRST_EPOCH}-1`, "a9"));
  expect(kinds(oneLog, [membership(altered)])).toEqual(["position-reused", "altered", "lost"]);
  expect(kinds(oneLog, [membership([...events, message("7-7", "a3")])])).toEqual(["altered"]);
});

test("one gap between a lost log and the next is right, whatever of the lost one was told", () => {
  for (const names of ["a0", "a0 a1", "a0 a1 a2"]) {
    const before = told(FIRST_EPOCH, names);
    const after = `${FIRST_EPOCH}-${before.length - 1}` as const;
    for (const position of [`${SECOND_EPOCH}-0`, "0-0"] as const) {
      const events = [...before, gap(after, position), ...told(SECOND_EPOCH, "b0 b1")];
      expect(kinds(twoLogs, [membership(events)])).toEqual([]);
    }
  }
});

test("going on in a new log without a gap is a missing gap", () => {
  const events = [...told(FIRST_EPOCH, "a0 a1 a2"), ...told(SECOND_EPOCH, "b0 b1")];
  expect(kinds(twoLogs, [membership(events)])).toEqual(["missing-gap"]);
});

test("never hearing of the new log is a missing gap and a loss", () => {
  expect(kinds(twoLogs, [membership(told(FIRST_EPOCH, "a0 a1 a2"))])).toEqual(["lost", "lost", "missing-gap"]);
});

test("a gap excuses what was lost with the log, and nothing of the new one", () => {
  const start = [...told(FIRST_EPOCH, "a0"), gap(`${FIRST_EPOCH}-0`, `${SECOND_EPOCH}-1`)];
  expect(kinds(twoLogs, [membership([...start, message(`${SECOND_EPOCH}-1`, "b1")])])).toEqual(["lost"]);
});

test("a gap excuses what the new log holds only where that lies below what was told", () => {
  const logs = [{ ...lost("a0 a1"), appended: log(SECOND_EPOCH, "a0 a1") }, standing("b0 b1", FIRST_EPOCH)];
  const behind = [...told(SECOND_EPOCH, "a0 a1"), gap(`${SECOND_EPOCH}-1`, `${FIRST_EPOCH}-0`)];
  expect(kinds(logs, [membership([...behind, ...told(FIRST_EPOCH, "b1", 1)])])).toEqual([]);
  const ahead = [...told(FIRST_EPOCH, "a0 a1"), gap(`${FIRST_EPOCH}-1`, `${SECOND_EPOCH}-1`)];
  expect(kinds([lost("a0 a1"), standing("b0 b1")], [membership([...ahead, ...told(SECOND_EPOCH, "b1", 1)])])).toEqual([
    "lost",
  ]);
});

test("where the end of a log is lost, a member who was told some of it needs a gap before what came instead", () => {
  const member = (names: string, ...between: MemberEvent[]) =>
    membership([...told(FIRST_EPOCH, names), ...between, ...told(SECOND_EPOCH, "b0 b1")]);
  expect(kinds(shortened, [member("a0 a1 a2 a3")])).toEqual(["missing-gap"]);
  expect(kinds(shortened, [member("a0 a1 a2", gap(`${FIRST_EPOCH}-2`, `${SECOND_EPOCH}-0`))])).toEqual([]);
  // The head to which the log was put back.
  expect(kinds(shortened, [member("a0 a1 a2", gap(`${FIRST_EPOCH}-2`, `${FIRST_EPOCH}-1`))])).toEqual([]);
});

const unaware = told(FIRST_EPOCH, "a0 a1");
const after = told(SECOND_EPOCH, "b0 b1");
const lateGap = gap(`${FIRST_EPOCH}-1`, `${SECOND_EPOCH}-1`);

test("a member who saw nothing of what was lost is told as well, now or later, where a living instance knew", () => {
  expect(kinds(shortened, [membership([...unaware, ...after])])).toEqual(["untold-loss"]);
  expect(kinds(shortened, [membership([...unaware, ...after])], { instanceEndsMs: [LOST_AT_MS - 1] })).toEqual([]);
  expect(kinds(shortened, [membership([...unaware, ...after, lateGap])])).toEqual([]);
  expect(kinds(shortened, [membership([...unaware, gap(`${FIRST_EPOCH}-1`, `${SECOND_EPOCH}-0`), ...after])])).toEqual(
    [],
  );
  expect(kinds(shortened, [membership([...unaware, ...after, lateGap, lateGap])])).toEqual(["superfluous-gap"]);
  expect(
    kinds(shortened, [{ ...membership(after.slice(1), `${SECOND_EPOCH}-0`), joinedAtMs: LOST_AT_MS + 1 }]),
  ).toEqual([]);
});

test("each of two losses may be told by a gap of its own, and neither a second time", () => {
  const lives = [
    { ...standing("a0 a1 a2", FIRST_EPOCH), endedAtMs: 1 },
    { ...standing("b0 b1", SECOND_EPOCH, 2), endedAtMs: LOST_AT_MS },
    standing("c0", THIRD_EPOCH, 3),
  ];
  const start = [...told(FIRST_EPOCH, "a0 a1"), ...told(SECOND_EPOCH, "b0 b1")];
  const newer = gap(`${SECOND_EPOCH}-1`, `${SECOND_EPOCH}-0`);
  const older = gap(`${FIRST_EPOCH}-1`, `${THIRD_EPOCH}-0`);
  const member = (...gaps: MemberEvent[]) => membership([...start, ...gaps, ...told(THIRD_EPOCH, "c0")]);
  expect(kinds(lives, [member(newer, older)])).toEqual([]);
  expect(kinds(lives, [member(newer)])).toEqual([]);
  expect(kinds(lives, [member(older)])).toEqual([]);
  expect(kinds(lives, [member(newer, older, older)])).toEqual(["superfluous-gap"]);
  expect(kinds(lives, [member(newer, newer)])).toEqual(["superfluous-gap"]);
  // The same before all of it was lost, and what came then.
  const wiped = [
    ...lives.slice(0, 2),
    { ...standing("c0", THIRD_EPOCH, 3), endedAtMs: 2 * LOST_AT_MS },
    standing("d0", 4_000),
  ];
  const early = [
    ...told(FIRST_EPOCH, "a0 a1"),
    gap(`${FIRST_EPOCH}-1`, `${SECOND_EPOCH}-0`, 2),
    ...told(SECOND_EPOCH, "b0"),
  ];
  const rest = [gap(`${SECOND_EPOCH}-0`, `${THIRD_EPOCH}-0`), ...told(THIRD_EPOCH, "c0")];
  const end = [gap(`${THIRD_EPOCH}-0`, "4000-0", 2 * LOST_AT_MS), ...told(4_000, "d0")];
  expect(kinds(wiped, [membership([...early, ...rest, ...end])])).toEqual([]);
  expect(kinds(wiped, [membership([...early, ...rest, ...end.slice(1)])])).toEqual(["missing-gap"]);
});

test("a publisher is told that what it was acknowledged for is lost, whoever else is gone", () => {
  const publisher = { ...membership([...unaware, ...after]), client: "a" };
  const gone = { instanceEndsMs: [LOST_AT_MS - 1] };
  expect(kinds(shortened, [publisher], gone)).toEqual(["untold-loss"]);
  expect(kinds(shortened, [{ ...publisher, events: [...publisher.events, lateGap] }], gone)).toEqual([]);
});

test("losses, and who had to be told of them, are counted", () => {
  const aware = membership([
    ...told(FIRST_EPOCH, "a0 a1 a2 a3"),
    gap(`${FIRST_EPOCH}-3`, `${SECOND_EPOCH}-0`),
    ...after,
  ]);
  const counted = verdictOf(shortened, [aware, membership([...unaware, ...after])]);
  expect(counted).toMatchObject({ acknowledgedLost: 2, gapsExpected: 2, gapsTold: 1 });
});

test("a message that was lost and stored again is told once, except to a client that came back", () => {
  const again = [lost("a0 a1"), standing("a1 a2", SECOND_EPOCH, 1)];
  const publishes = publishesOf(again).map((call) => {
    return call.text === "a1"
      ? publish("a1", { kind: "acknowledged", position: `${SECOND_EPOCH}-0`, atMs: LOST_AT_MS + 1 })
      : call;
  });
  const start = [...told(FIRST_EPOCH, "a0 a1")];
  const here = gap(`${FIRST_EPOCH}-1`, `${SECOND_EPOCH}-0`);
  const twice = [...start, here, ...told(SECOND_EPOCH, "a1 a2")];
  const once = [...start, gap(`${FIRST_EPOCH}-1`, `${SECOND_EPOCH}-1`), ...told(SECOND_EPOCH, "a2", 1)];
  const later = [...start, returned(`${FIRST_EPOCH}-1`), here, ...told(SECOND_EPOCH, "a1 a2")];
  expect(kinds(again, [membership(twice)], { publishes })).toContain("repeated");
  expect(kinds(again, [membership(once)], { publishes })).toEqual([]);
  expect(kinds(again, [membership(later)], { publishes })).toEqual([]);
});

test("an entry that is no message is told to nobody and missed by nobody", () => {
  const marked = [lost("a0 a1"), standing("- b0 b1", SECOND_EPOCH, 1)];
  const start = told(FIRST_EPOCH, "a0 a1");
  const rest = told(SECOND_EPOCH, "b0 b1", 1);
  expect(kinds(marked, [membership([...start, gap(`${FIRST_EPOCH}-1`, `${SECOND_EPOCH}-0`), ...rest])])).toEqual([]);
  expect(kinds(marked, [membership([...start, gap(`${FIRST_EPOCH}-1`, `${SECOND_EPOCH}-1`), ...rest])])).toEqual([]);
  const overMark = gap(`${SECOND_EPOCH}-2`, `${THIRD_EPOCH}-0`);
  const lostMark = [
    { ...standing("a0", FIRST_EPOCH), endedAtMs: 1 },
    { ...standing("b0 b1 -", SECOND_EPOCH, 1), endedAtMs: LOST_AT_MS },
    standing("c0", THIRD_EPOCH, 3),
  ];
  const twiceLost = [{ ...standing("a0 a1", FIRST_EPOCH), endedAtMs: 1 }, ...lostMark.slice(1)];
  const beyond = [...told(FIRST_EPOCH, "a0"), ...told(SECOND_EPOCH, "b0 b1"), overMark, ...told(THIRD_EPOCH, "c0")];
  expect(kinds(lostMark, [membership(beyond)])).toEqual([]);
  expect(kinds(lostMark, [membership(beyond.filter(({ kind }) => kind !== "gap"))])).toEqual([]);
  // It stood at the mark after a gap, and is not told of one because of the mark alone.
  const atMark = gap(`${FIRST_EPOCH}-0`, `${SECOND_EPOCH}-2`, 2);
  const behind = [...told(FIRST_EPOCH, "a0"), ...told(SECOND_EPOCH, "b0 b1"), atMark, ...told(THIRD_EPOCH, "c0")];
  expect(kinds(twiceLost, [membership(behind)])).toEqual([]);
  expect(kinds(marked, [{ ...membership(rest, `${SECOND_EPOCH}-0`), joinedAtMs: LOST_AT_MS + 1 }])).toEqual([]);
});

test("a position that names two messages is caught, whoever saw them", () => {
  const twice = [lost("a0 a1 a2"), standing("b0", FIRST_EPOCH, 0)];
  expect(kinds(twice, [])).toEqual(["position-reused"]);
  expect(kinds(oneLog, [], { served: log(FIRST_EPOCH, "a0 a1 b0 b1") })).toContain("position-reused");
});

test("a gap where nothing was lost is superfluous", () => {
  const inside = [
    ...told(FIRST_EPOCH, "a0 a1"),
    gap(`${FIRST_EPOCH}-1`, `${FIRST_EPOCH}-2`),
    ...told(FIRST_EPOCH, "b0 a2", 2),
  ];
  const atTheEnd = [...told(FIRST_EPOCH, "a0 a1 b0 a2"), gap(`${FIRST_EPOCH}-3`, "0-0")];
  expect(kinds(oneLog, [membership(inside)])).toEqual(["superfluous-gap"]);
  expect(kinds(oneLog, [membership(atTheEnd)])).toEqual(["superfluous-gap"]);
});

test("a gap that ends with the log's head does not cover what was lost behind that head", () => {
  const lives = [
    { ...lost("a0 a1 a2"), endedAtMs: 1 },
    { kept: 2, appended: log(SECOND_EPOCH, "- b0"), endedAtMs: 2 },
    standing("- c0", THIRD_EPOCH, 3),
  ];
  const before = told(FIRST_EPOCH, "a0 a1 a2");
  const atHead = gap(`${FIRST_EPOCH}-2`, `${SECOND_EPOCH}-0`, 3);
  const behind = gap(`${SECOND_EPOCH}-0`, `${THIRD_EPOCH}-1`, 4);
  const last = told(THIRD_EPOCH, "c0", 1);
  expect(kinds(lives, [membership([...before, atHead, behind, ...last])])).toEqual([]);
  expect(kinds(lives, [membership([...before, atHead, behind, behind, ...last])])).toEqual(["superfluous-gap"]);
});

test("two gaps for one loss, and a gap with wrong positions, are superfluous", () => {
  const member = (...gaps: MemberEvent[]) =>
    membership([...told(FIRST_EPOCH, "a0 a1 a2"), ...gaps, ...told(SECOND_EPOCH, "b0 b1")]);
  const right = gap(`${FIRST_EPOCH}-2`, `${SECOND_EPOCH}-0`);
  expect(kinds(twoLogs, [member(right)])).toEqual([]);
  expect(kinds(twoLogs, [member(right, right)])).toEqual(["superfluous-gap"]);
  expect(kinds(twoLogs, [member(gap(`${FIRST_EPOCH}-1`, `${SECOND_EPOCH}-0`))])).toEqual(["superfluous-gap"]);
  expect(kinds(twoLogs, [member(gap(`${FIRST_EPOCH}-2`, `${THIRD_EPOCH}-0`))])).toContain("superfluous-gap");
  expect(kinds(twoLogs, [member(gap(`${FIRST_EPOCH}-2`, `${SECOND_EPOCH}-1`))])).toEqual(["reordered"]);
});

test("a member that never got in is told of", () => {
  expect(kinds(oneLog, [{ ...membership([]), joinedAt: undefined }])).toEqual(["never-joined"]);
});

test("an acknowledged message that no log held, or not there, is not stored", () => {
  const missing = publish("a3", { kind: "acknowledged", position: `${FIRST_EPOCH}-4`, atMs: 1 });
  const elsewhere = publish("a0", { kind: "acknowledged", position: `${FIRST_EPOCH}-1`, atMs: 1 });
  const published = publishesOf(oneLog);
  expect(kinds(oneLog, [], { publishes: [...published, missing] })).toEqual(["not-stored"]);
  expect(kinds(oneLog, [], { publishes: published.with(0, elsewhere) })).toEqual(["not-stored", "position-reused"]);
});

test("a message stored twice in one log is caught, acknowledged or not", () => {
  const doubled = [standing("a0 a1 a1", FIRST_EPOCH)];
  const unacknowledged = publishesOf(doubled).with(1, publish("a1", { kind: "rejected", code: "TIMED_OUT" }));
  expect(kinds(doubled, [])).toEqual(["stored-twice"]);
  expect(kinds(doubled, [], { publishes: unacknowledged })).toEqual(["unsettled", "stored-twice"]);
});

test("a message may be stored again in a new log unless it was acknowledged before the loss", () => {
  const logs = [lost("a0 a1"), standing("a1 a2")];
  const acknowledged = (atMs: number) => {
    const again = publish("a1", { kind: "acknowledged", position: `${SECOND_EPOCH}-0`, atMs });
    return publishesOf(logs).with(1, again);
  };
  expect(kinds(logs, [], { publishes: acknowledged(LOST_AT_MS + 1) })).toEqual([]);
  expect(kinds(logs, [], { publishes: acknowledged(LOST_AT_MS - 1) })).toEqual(["stored-twice"]);
});

test("messages of one publisher out of the order of its calls are caught, in one log and across two", () => {
  expect(kinds([standing("a1 a0", FIRST_EPOCH)], [])).toEqual(["stored-out-of-order"]);
  expect(kinds([lost("a1"), standing("a0")], [])).toEqual(["stored-out-of-order"]);
  expect(kinds([standing("b0 a0 b1 a1", FIRST_EPOCH)], [])).toEqual([]);
});

test("a publish that never settled, one that was refused, and a message of nobody are caught", () => {
  const published = publishesOf(oneLog);
  expect(kinds(oneLog, [], { publishes: [...published, publish("a3", { kind: "pending" })] })).toEqual(["unsettled"]);
  const refused = publish("a3", { kind: "rejected", code: "OUTBOX_FULL" });
  expect(kinds(oneLog, [], { publishes: [...published, refused] })).toEqual(["unsettled"]);
  expect(kinds(oneLog, [], { publishes: published.slice(1) })).toEqual(["not-published"]);
});

test("a server that serves another log than Redis has is caught", () => {
  const [log] = oneLog;
  expect(kinds(oneLog, [], { served: log?.appended.slice(0, -1) ?? [] })).toEqual(["served-differs"]);
  expect(kinds(oneLog, [], { served: log?.appended.toReversed() ?? [] })).toEqual(["served-differs"]);
});
