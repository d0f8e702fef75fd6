import { expect, test } from "vitest";
import { backoffMs, longestDelayMs } from "../../../client/src/backoff.ts";
import { seededRandom } from "../../support/random.ts";

test.each([
  [0, 1000],
  [1, 2000],
  [2, 4000],
  [3, 5000],
  [50, 5000],
])("the delay before attempt %i lies between 0 and %i ms", (attempt, boundMs) => {
  expect(backoffMs(attempt, () => 0)).toBe(0);
  expect(backoffMs(attempt, () => 0.5)).toBe(boundMs / 2);
  expect(backoffMs(attempt, () => 0.999)).toBeCloseTo(boundMs * 0.999, 5);
});

test.each([0, 3, 10])("1,000 clients cut at once do not come back in one burst, at attempt %i", (attempt) => {
  const random = seededRandom(1);
  const tenths = new Map<number, number>();
  const boundMs = backoffMs(attempt, () => 1);
  for (let client = 0; client < 1000; client++) {
    const tenth = Math.floor((backoffMs(attempt, random) / boundMs) * 10);
    tenths.set(tenth, (tenths.get(tenth) ?? 0) + 1);
  }
  expect(tenths.size).toBe(10);
  expect(Math.max(...tenths.values())).toBeLessThan(150);
});

test("a client asks every two seconds at most while an outage is short, and every five once it is long", () => {
  expect([1, 2, 29].map(longestDelayMs)).toEqual([1750, 1750, 1750]);
  expect([30, 1000].map(longestDelayMs)).toEqual([5000, 5000]);
});
