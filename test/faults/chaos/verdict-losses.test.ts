import { expect, test } from "vitest";
import { explainGaps } from "./explain-gaps.ts";
import type { MemberEvent } from "./history.ts";
import {
  FIRST_EPOCH,
  gap,
  kinds,
  LOST_AT_MS,
  log,
  lost,
  membership,
  message,
  oneLog,
  publish,
  publishesOf,
  returned,
  SECOND_EPOCH,
  shortened,
  standing,
  THIRD_EPOCH,
  told,
  twoLogs,
  verdictOf,
} from "./synthetic-history.ts";

// The verdict on logs that have lost something: who must be told, and with which gap.

test("one gap between a lost log and the next is right, however much of the lost one was delivered", () => {
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

test("a gap covers what was lost with the old log, and no message of the new one", () => {
  const start = [...told(FIRST_EPOCH, "a0"), gap(`${FIRST_EPOCH}-0`, `${SECOND_EPOCH}-1`)];
  expect(kinds(twoLogs, [membership([...start, message(`${SECOND_EPOCH}-1`, "b1")])])).toEqual(["lost"]);
});

test("a gap covers messages of the new log only where their positions are below what was delivered", () => {
  const logs = [{ ...lost("a0 a1"), appended: log(SECOND_EPOCH, "a0 a1") }, standing("b0 b1", FIRST_EPOCH)];
  const behind = [...told(SECOND_EPOCH, "a0 a1"), gap(`${SECOND_EPOCH}-1`, `${FIRST_EPOCH}-0`)];
  expect(kinds(logs, [membership([...behind, ...told(FIRST_EPOCH, "b1", 1)])])).toEqual([]);
  const ahead = [...told(FIRST_EPOCH, "a0 a1"), gap(`${FIRST_EPOCH}-1`, `${SECOND_EPOCH}-1`)];
  expect(kinds([lost("a0 a1"), standing("b0 b1")], [membership([...ahead, ...told(SECOND_EPOCH, "b1", 1)])])).toEqual([
    "lost",
  ]);
});

test("where the end of a log is lost, a member that got a part of it needs a gap before what came instead", () => {
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

test("a member that saw none of the lost messages gets a gap, too, sooner or later, where an instance that still runs knew of them", () => {
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

test("each of two losses may have a gap of its own, and neither may have two", () => {
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

test("a publisher gets a gap for an acknowledged message that is lost, even if no instance remembers it", () => {
  const publisher = { ...membership([...unaware, ...after]), client: "a" };
  const gone = { instanceEndsMs: [LOST_AT_MS - 1] };
  expect(kinds(shortened, [publisher], gone)).toEqual(["untold-loss"]);
  expect(kinds(shortened, [{ ...publisher, events: [...publisher.events, lateGap] }], gone)).toEqual([]);
});

test("losses, and the gaps that they require, are counted", () => {
  const aware = membership([
    ...told(FIRST_EPOCH, "a0 a1 a2 a3"),
    gap(`${FIRST_EPOCH}-3`, `${SECOND_EPOCH}-0`),
    ...after,
  ]);
  const counted = verdictOf(shortened, [aware, membership([...unaware, ...after])]);
  expect(counted).toMatchObject({ acknowledgedLost: 2, gapsExpected: 2, gapsTold: 1 });
  expect(explainGaps(counted.gaps, 0).slice(1)).toEqual([
    `  harbour: Redis lost 2 messages after ${FIRST_EPOCH}-1 at 0.5 s`,
    `    reader was told that messages may be missing between ${FIRST_EPOCH}-3 and ${SECOND_EPOCH}-0, 0.0 s later`,
  ]);
});

test("a message that was lost and stored again is delivered once, except to a client that came back", () => {
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

test("an entry that is no message is delivered to no member, and no member lacks it", () => {
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

test("a gap that begins behind what was lost does not cover it, though both losses left the same message as the last", () => {
  const lives = [
    { ...lost("a0 a1 a2"), endedAtMs: 1 },
    { kept: 1, appended: log(SECOND_EPOCH, "b0 b1"), endedAtMs: 2 },
    standing("- c0 - c1", THIRD_EPOCH, 1),
  ];
  const start = [...told(FIRST_EPOCH, "a0"), ...told(SECOND_EPOCH, "b0 b1")];
  const second = gap(`${SECOND_EPOCH}-1`, `${THIRD_EPOCH}-1`, 3);
  const first = gap(`${FIRST_EPOCH}-0`, `${THIRD_EPOCH}-3`, 4);
  const member = (...gaps: MemberEvent[]) =>
    membership([...start, second, ...told(THIRD_EPOCH, "c0", 1), ...gaps, ...told(THIRD_EPOCH, "c1", 3)]);
  expect(kinds(lives, [member(first)])).toEqual([]);
  expect(kinds(lives, [member(first, first)])).toEqual(["superfluous-gap"]);
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
