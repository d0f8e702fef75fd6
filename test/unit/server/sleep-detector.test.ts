import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SleepDetector } from "../../../server/src/clock/sleep-detector.ts";

const longestMs = 10_000;

let watch: SleepDetector;
let woke: number[];
beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
  watch = new SleepDetector(longestMs);
  woke = [];
  watch.onWake((sleptMs) => woke.push(sleptMs));
});
afterEach(() => {
  watch.stop();
  vi.useRealTimers();
});

/** The wall clock goes on and no timer runs, as when the machine is suspended. */
function suspend(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

test("a process that goes on never slept", () => {
  vi.advanceTimersByTime(3_600_000);
  expect(watch.sleeps()).toBe(0);
  expect(watch.sinceWakeMs()).toBe(Number.POSITIVE_INFINITY);
  expect(woke).toEqual([]);
});

test("a sleep is noticed at the first packet after it, before any timer has run", () => {
  suspend(longestMs + 1);
  expect(watch.sleeps()).toBe(1);
  expect(woke).toEqual([longestMs + 1]);
  expect(watch.sinceWakeMs()).toBe(0);
});

test("a sleep is noticed by the timer, too, where no packet comes", () => {
  suspend(60_000);
  vi.advanceTimersByTime(1_000);
  expect(woke).toHaveLength(1);
});

test("a process that was stopped while the monotonic clock went on slept, too", () => {
  const realNow = performance.now();
  const now = vi.spyOn(performance, "now").mockReturnValue(realNow + longestMs + 1);
  expect(watch.sleeps()).toBe(1);
  now.mockRestore();
});

test("a sleep is reported once, and the next one is reported again", () => {
  suspend(longestMs + 1);
  for (let asked = 0; asked < 3; asked += 1) expect(watch.sleeps()).toBe(1);
  vi.advanceTimersByTime(5_000);
  expect(watch.sinceWakeMs()).toBe(5_000);
  suspend(longestMs + 1);
  expect(watch.sleeps()).toBe(2);
  expect(woke).toHaveLength(2);
});

test("a pause that a client would wait through is no sleep, and neither is a clock that is set back", () => {
  suspend(longestMs - 1_000);
  expect(watch.sleeps()).toBe(0);
  vi.advanceTimersByTime(2_000);
  suspend(-3_600_000);
  vi.advanceTimersByTime(5_000);
  expect(watch.sleeps()).toBe(0);
});

test("after its end no timer is left", () => {
  watch.stop();
  expect(vi.getTimerCount()).toBe(0);
});
