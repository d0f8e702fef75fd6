import * as fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { momentNow } from "../../../server/src/clock/elapsed.ts";
import { whenElapsed } from "../../../server/src/clock/when-elapsed.ts";
import { noticeDelayMs, tokenNoticeDelayMs } from "../../../server/src/sockets/expiry-notice.ts";

const day = 86_400_000;

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

test("a notice leaves a margin before the deadline, from lifetimes of 20 s to a day", async () => {
  await fc.assert(
    fc.property(fc.integer({ min: 20_000, max: day }), fc.double({ min: 0, max: 1, noNaN: true }), (life, random) => {
      const delay = noticeDelayMs(life, random);
      expect(delay).toBeGreaterThanOrEqual(life / 2 - 1);
      expect(life - delay).toBeGreaterThanOrEqual(Math.min(life / 4, 30_000) - 1);
      expect(life - delay).toBeLessThanOrEqual(30_000 + 600_000 + 1);
    }),
  );
});

test.each([
  [20_000, 5_000],
  [60_000, 15_000],
  [3_600_000, 600_000],
  [day, 600_000],
])("connections of %i ms that opened together are told over a spread of %i ms", (life, spread) => {
  expect(noticeDelayMs(life, 0) - noticeDelayMs(life, 1)).toBe(spread);
  expect(noticeDelayMs(life, 0) - noticeDelayMs(life, 0.5)).toBe(spread / 2);
});

test("a time that is over is told at once, and one to come not before its end", () => {
  const over = vi.fn();
  whenElapsed(momentNow(), -1, over);
  expect(over).toHaveBeenCalledTimes(1);
  const coming = vi.fn();
  whenElapsed(momentNow(), 1_000, coming);
  vi.advanceTimersByTime(999);
  expect(coming).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(coming).toHaveBeenCalledTimes(1);
});

test("time that passed before the wait is counted", () => {
  const callback = vi.fn();
  const since = momentNow();
  vi.advanceTimersByTime(600);
  whenElapsed(since, 1_000, callback);
  vi.advanceTimersByTime(399);
  expect(callback).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(callback).toHaveBeenCalledTimes(1);
});

test("a clock that is set back by an hour delays nothing", () => {
  const callback = vi.fn();
  whenElapsed(momentNow(), 1_000, callback);
  vi.setSystemTime(Date.now() - 3_600_000);
  vi.advanceTimersByTime(1_000);
  expect(callback).toHaveBeenCalledTimes(1);
});

test("a timer that fires too early waits on", () => {
  const callback = vi.fn();
  const { wallMs, monotonicMs } = momentNow();
  // Both clocks were read a moment ahead of the timer's.
  whenElapsed({ wallMs: wallMs + 500, monotonicMs: monotonicMs + 500 }, 1_000, callback);
  vi.advanceTimersByTime(1_499);
  expect(callback).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(callback).toHaveBeenCalledTimes(1);
});

test("a timer that slept through the end calls once, as soon as it wakes", () => {
  const callback = vi.fn();
  whenElapsed(momentNow(), 10_000, callback);
  // A suspended machine: the wall clock goes on, the timers do not.
  vi.setSystemTime(Date.now() + 3_600_000);
  vi.advanceTimersByTime(10_000);
  expect(callback).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(100_000);
  expect(callback).toHaveBeenCalledTimes(1);
});

test("a wait longer than Node's longest timer is neither early nor lost", () => {
  const callback = vi.fn();
  const wait = 2 ** 31 + 5_000;
  whenElapsed(momentNow(), wait, callback);
  vi.advanceTimersByTime(wait - 1);
  expect(callback).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(callback).toHaveBeenCalledTimes(1);
});

test("a cancelled wait never calls", () => {
  const callback = vi.fn();
  const cancel = whenElapsed(momentNow(), 1_000, callback);
  cancel();
  vi.advanceTimersByTime(10_000);
  expect(callback).not.toHaveBeenCalled();
  expect(vi.getTimerCount()).toBe(0);
});

test("a wait that is over can be cancelled too", () => {
  expect(() => whenElapsed(momentNow(), 0, () => undefined)()).not.toThrow();
});

test("a client that gets the same token again and again is told of it a few times, and not in its last half minute", async () => {
  await fc.assert(
    fc.property(
      fc.integer({ min: 2_000, max: day }),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 30, maxLength: 30 }),
      (lifeMs, randoms) => {
        let leftMs = lifeMs;
        let notices = 0;
        for (const random of randoms) {
          const delayMs = tokenNoticeDelayMs(leftMs, lifeMs, random);
          if (delayMs === undefined) break;
          expect(delayMs).toBeGreaterThanOrEqual(0);
          leftMs -= delayMs;
          notices += 1;
        }
        expect(notices).toBeGreaterThanOrEqual(1);
        expect(notices).toBeLessThanOrEqual(4);
        if (lifeMs > 240_000) expect(leftMs).toBeGreaterThanOrEqual(30_000);
      },
    ),
  );
});

test("where it is not known when a token was issued, the notices of the same one end as well", () => {
  let leftMs = day;
  let notices = 0;
  for (let delayMs = tokenNoticeDelayMs(leftMs, undefined, 1); delayMs !== undefined; notices += 1) {
    leftMs -= delayMs;
    delayMs = tokenNoticeDelayMs(leftMs, undefined, 1);
  }
  expect(notices).toBeLessThanOrEqual(24);
});
