import { expect, test, vi } from "vitest";
import { requestLimits } from "../../../server/src/requests/user-limits.ts";
import { TokenBucket } from "../../../server/src/token-bucket.ts";

function exhausted() {
  const clock = { nowMs: 5_000 };
  const limiter = new TokenBucket({ ...requestLimits, nowMs: () => clock.nowMs });
  let taken = 0;
  while (limiter.take() === 0) taken += 1;
  return { clock, limiter, taken };
}

test("a burst passes, and what exceeds it is refused with the time to wait", () => {
  const { limiter, taken } = exhausted();
  expect(taken).toBe(2_000);
  expect(limiter.take()).toBe(1);
});

test("waiting for the time that the refusal names is enough", () => {
  const { clock, limiter } = exhausted();
  clock.nowMs += limiter.take();
  expect(limiter.take()).toBe(0);
  expect(limiter.take()).toBeGreaterThan(0);
});

test("a second refills a thousand requests, and a long pause no more than a burst", () => {
  const { clock, limiter } = exhausted();
  const take = () => {
    let count = 0;
    while (limiter.take() === 0) count += 1;
    return count;
  };
  clock.nowMs += 1_000;
  expect(take()).toBe(1_000);
  clock.nowMs += 3_600_000;
  expect(take()).toBe(2_000);
});

test("a clock that is set back neither takes nor gives", () => {
  const { clock, limiter } = exhausted();
  clock.nowMs -= 3_600_000;
  expect(limiter.take()).toBe(1);
  clock.nowMs += 1;
  expect(limiter.take()).toBe(0);
});

test("a machine whose time is set forward gives nobody more", () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const limiter = new TokenBucket(requestLimits);
    while (limiter.take(100) === 0) {}
    vi.setSystemTime(Date.now() + 3_600_000);
    expect(limiter.take(2_000)).toBeGreaterThan(0);
  } finally {
    vi.useRealTimers();
  }
});

test("what was done already is paid afterwards, before anything else", () => {
  const { clock, limiter } = exhausted();
  limiter.charge(100);
  expect(limiter.take()).toBe(101);
  clock.nowMs += 100;
  expect(limiter.waitMs(1)).toBe(1);
  clock.nowMs += 1;
  expect(limiter.take()).toBe(0);
});

test("an expensive request takes its cost at once, and waits until all of it is there", () => {
  const { clock, limiter } = exhausted();
  expect(limiter.take(10)).toBe(10);
  clock.nowMs += 9;
  expect(limiter.take(10)).toBe(1);
  clock.nowMs += 1;
  expect(limiter.take(10)).toBe(0);
});
