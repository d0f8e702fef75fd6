import { expect, test } from "vitest";
import { judgeRun } from "./outcome.ts";

const run = { passed: 3, failed: 0, skipped: 0, isSelection: false };
const last = (lines: readonly string[]) => lines.at(-1);

test("a run in which all passed or failed ends with the counts alone", () => {
  expect(judgeRun(run, [])).toEqual({ lines: ["3 passed, 0 failed"], fails: false });
  expect(judgeRun({ ...run, failed: 2 }, ["chromium"])).toEqual({ lines: ["3 passed, 2 failed"], fails: false });
});

test("on a machine that lacks something one line tells what was skipped and what to install", () => {
  const { lines, fails } = judgeRun({ ...run, skipped: 12 }, ["redis-server", "chromium"]);
  expect(fails).toBe(false);
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^12 tests were skipped\. .*install redis-server and chromium/);
  expect(last(lines)).toBe("3 passed, 0 failed, 12 skipped");
});

test("on a machine that has everything a skipped test fails the run", () => {
  const { lines, fails } = judgeRun({ ...run, skipped: 1 }, []);
  expect(fails).toBe(true);
  expect(lines[0]).toContain("1 test was skipped although");
  expect(last(lines)).toBe("3 passed, 0 failed, 1 skipped");
});

test("where a test is selected by its name, the others may be skipped", () => {
  expect(judgeRun({ ...run, skipped: 40, isSelection: true }, [])).toEqual({
    lines: ["3 passed, 0 failed, 40 skipped"],
    fails: false,
  });
});
