import { expect, test } from "vitest";
import { percentile, positionTally, Tally } from "./tally.ts";

const published = (...positions: string[]) =>
  `42${JSON.stringify(["message:published", { room: "a", messages: positions.map((position) => ({ position })) }])}`;

test.each([
  ["every message in order", [published("9-0", "9-1"), published("9-2")], [3, 0, 0]],
  ["a hole", [published("9-0"), published("9-3")], [2, 2, 0]],
  ["a repetition", [published("9-0", "9-1"), published("9-1", "9-2")], [3, 0, 1]],
  ["one that comes after its successor", [published("9-0", "9-2", "9-1")], [2, 1, 1]],
  ["a new epoch, which may start anywhere", [published("9-8"), published("10-4", "10-5")], [3, 0, 0]],
  ["a message of an epoch that is over", [published("10-0"), published("9-1")], [1, 0, 1]],
  ["positions in other events", [published("9-0"), '42["room:position",{"room":"a","position":"9-0"}]'], [1, 0, 0]],
])("a tally tells %s", (_what, packets, [delivered, missing, repeated]) => {
  const tally = positionTally();
  for (const packet of packets) tally.read(packet);
  expect([tally.delivered, tally.missing, tally.repeated]).toEqual([delivered, missing, repeated]);
});

test("a tally reads plain numbers and latencies too", () => {
  const tally = new Tally("message", '"n":', { measureLatency: true });
  expect(tally.read(`42["message",{"n":7,"sentAtMs":${Date.now() - 500}}]`)).toBe(1);
  expect(tally.read('42["message",{"n":8,"sentAtMs":0}]')).toBe(1);
  expect([tally.delivered, tally.missing]).toEqual([2, 0]);
  expect(tally.latenciesMs[0]).toBeGreaterThanOrEqual(500);
});

test("a percentile is the value at that share of the sorted values", () => {
  const values = Array.from({ length: 100 }, (_, index) => 99 - index);
  expect([percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)]).toEqual([50, 99, 99]);
  expect(percentile([], 0.5)).toBeNaN();
});
