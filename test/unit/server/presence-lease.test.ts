import { expect, test } from "vitest";
import { graceMs, isStillShown } from "../../../server/src/presence/grace.ts";
import { isGone, type LeaseView, nextDeathMs } from "../../../server/src/presence/lease-view.ts";

const view: LeaseView = {
  redisNowMs: 100_000,
  ownEndMs: 115_000,
  calmUntilMs: 90_000,
  ends: new Map([
    ["living", 110_000],
    ["just-over", 99_500],
    ["dead", 98_999],
  ]),
};

test.each([
  ["living", false],
  // The clocks of two masters may differ.
  ["just-over", false],
  ["dead", true],
  ["never-heard-of", true],
])("an instance that is %s is gone: %s", (name, expected) => {
  expect(isGone(view, name)).toBe(expected);
});

test("after an outage of Redis nobody is taken for dead, until all had time to renew", () => {
  const calm = { ...view, calmUntilMs: 104_000 };
  expect(isGone(calm, "dead")).toBe(false);
  expect(nextDeathMs(calm, ["dead"])).toBe(4_000);
});

test("the next look at the leases is when the first of them could be over", () => {
  expect(nextDeathMs(view, view.ends.keys())).toBe(501);
  expect(nextDeathMs(view, ["dead"])).toBeUndefined();
});

test.each([
  ["heard just now", 0, 8_000],
  ["silent for a ping's time", 10_000, 5_000],
  ["silent for longer than it may be shown", 16_000, 2_000],
])("a client that was %s has its grace from the close", (_what, unheardMs, expected) => {
  expect(graceMs(unheardMs, 8_000)).toBe(expected);
});

test("a grace is never longer than its setting", () => {
  expect(graceMs(0, 1_000)).toBe(1_000);
  expect(graceMs(20_000, 0)).toBe(0);
});

test("a client that was unheard for 15 s is not registered again after a sleep", () => {
  expect([14_999, 15_000].map(isStillShown)).toEqual([true, false]);
});
