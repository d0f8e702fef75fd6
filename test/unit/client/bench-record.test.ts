import { expect, test } from "vitest";
import { percentiles } from "../../../client/src/cli/bench/percentiles.ts";
import { MemberRecord } from "../../../client/src/cli/bench/record.ts";

test("a member's record counts what came twice, out of order and not at all", () => {
  const record = new MemberRecord();
  const come = [
    ["a", "7-0"],
    ["b", "7-2"],
    ["c", "7-1"],
    ["a", "7-3"],
    ["d", "6-0"],
  ] as const;
  for (const [index, [id, position]] of come.entries()) record.take({ id, position }, index ** 2);
  expect(record).toMatchObject({ count: 4, repeated: 1, disordered: 1, longestSilenceMs: 7 });
  expect(record.lost(["a", "b", "e", "f"])).toBe(2);
});

test("a percentile is the smallest sample that so many do not exceed", () => {
  const samples = Array.from({ length: 100 }, (_, index) => 100 - index);
  expect(percentiles(samples)).toEqual({ p50: 50, p95: 95, p99: 99, max: 100 });
  expect(percentiles([3.14])).toEqual({ p50: 3.1, p95: 3.1, p99: 3.1, max: 3.1 });
  expect(percentiles([])).toBeUndefined();
});
