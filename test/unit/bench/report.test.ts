import { expect, test } from "vitest";
import { formatReport, type Report, ratios } from "../../bench/report.ts";
import { baseline, chosen, holdfast, plain } from "../../bench/rig/contestants.ts";
import { spread } from "../../bench/rooms/side.ts";

const cpu = { name: "CPU", unit: "us", values: [1, 4, null], isCompared: true };
const report: Report = {
  columns: ["Holdfast", "plain", "other"],
  against: 1,
  figures: [cpu],
  targets: [{ name: "ratio", unit: "x", value: 0.25, atMost: 0.4 }],
  failures: [],
};

test("a figure is held against plain Socket.IO, which has no ratio itself", () => {
  expect(ratios(report, cpu)).toEqual([0.25, null, null]);
  expect(formatReport(report)).toMatch(/^ {2}against plain \(x\) +0\.25 +- +-$/m);
});

test.each([
  ["no column of plain Socket.IO", {}, cpu],
  ["nothing there", report, { ...cpu, values: [1, null] }],
  ["0 there", report, { ...cpu, values: [1, 0] }],
  ["other work in each column", report, { ...cpu, isCompared: false }],
])("where there is %s, there are no ratios", (_, against, figure) => {
  expect(ratios(against, figure)).toBeUndefined();
});

test("options leave contestants out, but never Holdfast, and the ratios with plain Socket.IO", () => {
  const none = { sharded: 0, classic: 0, streams: 0, recipe: 0 };
  expect(chosen(none)).toEqual([holdfast]);
  expect(baseline(chosen(none))).toEqual({});
  expect(chosen({ ...none, sharded: 1, recipe: 1 }).map(({ kind }) => kind)).toEqual(["holdfast", "dynamic", "recipe"]);
  expect(baseline([holdfast, plain])).toEqual({ against: 1 });
});

test("members are spread over instances as evenly as they can be, and none is left out", () => {
  expect(spread(5, 2)).toEqual([3, 2]);
  expect(spread(2, 4)).toEqual([1, 1, 0, 0]);
});
