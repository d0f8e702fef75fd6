import { expect, test } from "vitest";
import type { MemberEvent } from "./history.ts";
import {
  FIRST_EPOCH,
  gap,
  kinds,
  LOST_AT_MS,
  log,
  membership,
  returned,
  SECOND_EPOCH,
  standing,
  THIRD_EPOCH,
  told,
} from "./synthetic-history.ts";

// A log that was lost whole, the end of it in a third epoch. The new log begins in the second one, below that.

const logs = [
  { kept: 0, appended: [...log(FIRST_EPOCH, "a0 a1"), ...log(THIRD_EPOCH, "a2 a3")], endedAtMs: LOST_AT_MS },
  { ...standing(""), appended: [...log(SECOND_EPOCH, "- b0 b1"), ...log(4_000, "- b2")] },
];
const unaware = told(FIRST_EPOCH, "a0 a1");
const toNewLog = gap(`${FIRST_EPOCH}-1`, `${SECOND_EPOCH}-1`);
const overThirdEpoch = gap(`${SECOND_EPOCH}-2`, "4000-1");
const member = (before: readonly MemberEvent[], ...gaps: MemberEvent[]) =>
  membership([...before, ...told(SECOND_EPOCH, "b0 b1", 1), ...gaps, ...told(4_000, "b2", 1)]);

test("a second gap may name an epoch of a lost log that a member never saw, and that lies behind its first gap", () => {
  expect(kinds(logs, [member([...unaware, toNewLog])])).toEqual([]);
  expect(kinds(logs, [member([...unaware, toNewLog], overThirdEpoch)])).toEqual([]);
});

test("a client that came back to the empty log may be told of such an epoch, though the one before it had it", () => {
  const before = [...unaware, ...told(THIRD_EPOCH, "a2 a3"), gap(`${THIRD_EPOCH}-1`, "0-0"), returned("0-0")];
  expect(kinds(logs, [member(before, overThirdEpoch)])).toEqual([]);
  expect(kinds(logs, [member(before, overThirdEpoch, overThirdEpoch)])).toEqual(["superfluous-gap"]);
});

test("such a gap comes once, and begins with the last position before the epoch", () => {
  const twice = member([...unaware, toNewLog], overThirdEpoch, overThirdEpoch);
  expect(kinds(logs, [twice])).toEqual(["superfluous-gap"]);
  const early = member([...unaware, toNewLog], gap(`${SECOND_EPOCH}-1`, "4000-1"));
  expect(kinds(logs, [early])).toEqual(["superfluous-gap"]);
});

test("such a gap is superfluous where the member saw the epoch, or its first gap contains it or leads back", () => {
  const aware = [...unaware, ...told(THIRD_EPOCH, "a2 a3"), gap(`${THIRD_EPOCH}-1`, `${SECOND_EPOCH}-1`)];
  expect(kinds(logs, [member(aware, overThirdEpoch)])).toEqual(["superfluous-gap"]);
  const toEmptyLog = gap(`${FIRST_EPOCH}-1`, "0-0");
  expect(kinds(logs, [member([...unaware, toEmptyLog], overThirdEpoch)])).toEqual(["superfluous-gap"]);
  const overAll = gap(`${FIRST_EPOCH}-1`, "4000-0");
  const behind = [...unaware, overAll, gap("4000-0", "4000-1"), ...told(4_000, "b2", 1)];
  expect(kinds(logs, [membership(behind)])).toContain("superfluous-gap");
});
