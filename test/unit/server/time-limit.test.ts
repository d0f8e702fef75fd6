import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TimeLimit } from "../../../server/src/redis/time-limit.ts";
import { Unanswered } from "../../../server/src/redis/within-time.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A promise under the limit, and what came of it. */
function limited(limit: TimeLimit) {
  const outcomes: unknown[] = [];
  let resolve: (value: string) => void = () => undefined;
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<string>((fulfil, fail) => {
    resolve = fulfil;
    reject = fail;
  });
  limit.on(promise).then(
    (value) => outcomes.push(value),
    (error: unknown) => outcomes.push(error),
  );
  return { outcomes, resolve, reject };
}

test("what is settled in time keeps its outcome, and what is not is unanswered at its own moment", async () => {
  const limit = new TimeLimit(2_000);
  const first = limited(limit);
  await vi.advanceTimersByTimeAsync(500);
  const [second, third, failing] = [limited(limit), limited(limit), limited(limit)];
  await vi.advanceTimersByTimeAsync(1_000);
  third.resolve("in time");
  failing.reject(new Error("refused"));
  await vi.advanceTimersByTimeAsync(499);
  expect(first.outcomes).toEqual([]);
  await vi.advanceTimersByTimeAsync(2);
  expect(first.outcomes).toEqual([expect.any(Unanswered)]);
  expect(second.outcomes).toEqual([]);
  await vi.advanceTimersByTimeAsync(500);
  expect(second.outcomes).toEqual([expect.any(Unanswered)]);
  expect(third.outcomes).toEqual(["in time"]);
  expect(failing.outcomes).toEqual([new Error("refused")]);
});

test("what comes after the limit has no effect, and nothing keeps a timer when all is settled", async () => {
  const limit = new TimeLimit(2_000);
  const late = limited(limit);
  await vi.advanceTimersByTimeAsync(2_001);
  late.reject(new Error("too late"));
  await vi.advanceTimersByTimeAsync(10_000);
  expect(late.outcomes).toEqual([expect.any(Unanswered)]);
  expect(vi.getTimerCount()).toBe(0);
  const next = limited(limit);
  await vi.advanceTimersByTimeAsync(1_999);
  next.resolve("in time");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(next.outcomes).toEqual(["in time"]);
});
