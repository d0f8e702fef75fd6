import { expect, test, vi } from "vitest";
import { elapsedMs, momentNow } from "../../../server/src/clock/elapsed.ts";

const since = { monotonicMs: 1_000, wallMs: 500_000 };

test("time that both clocks have measured is that time", () => {
  expect(elapsedMs(since, { monotonicMs: 1_250, wallMs: 500_250 })).toBe(250);
});

test("the sleep of a machine is noticed by the wall clock, though the monotonic clock stood still", () => {
  expect(elapsedMs(since, { monotonicMs: 1_010, wallMs: 560_000 })).toBe(60_000);
});

test("a wall clock that is set back hides no time", () => {
  expect(elapsedMs(since, { monotonicMs: 9_000, wallMs: -3_100_000 })).toBe(8_000);
});

test("no time is ever negative", () => {
  expect(elapsedMs(since, { monotonicMs: 999, wallMs: 0 })).toBe(0);
});

test("both clocks are read", () => {
  const before = momentNow();
  vi.spyOn(Date, "now").mockReturnValue(before.wallMs + 3_600_000);
  try {
    expect(elapsedMs(before)).toBe(3_600_000);
  } finally {
    vi.restoreAllMocks();
  }
  vi.spyOn(performance, "now").mockReturnValue(before.monotonicMs + 7_200_000);
  try {
    expect(elapsedMs(before)).toBe(7_200_000);
  } finally {
    vi.restoreAllMocks();
  }
});
