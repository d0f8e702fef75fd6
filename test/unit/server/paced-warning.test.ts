import { expect, test } from "vitest";
import { PacedWarning } from "../../../server/src/sockets/paced-warning.ts";

test("ten lines come at once, then one a second, which says how many were left out", () => {
  const lines: unknown[] = [];
  let nowMs = 0;
  const logger = { warn: (...line: readonly unknown[]) => void lines.push(line) };
  const warning = new PacedWarning(logger, "refused", () => nowMs);
  for (let index = 0; index < 1_000; index += 1) warning.warn({ index });
  expect(lines).toHaveLength(10);
  expect(lines[9]).toEqual([{ index: 9 }, "refused"]);
  nowMs = 1_000;
  for (let index = 1_000; index < 1_005; index += 1) warning.warn({ index });
  expect(lines.slice(10)).toEqual([[{ index: 1_000, suppressed: 990 }, "refused"]]);
  nowMs = 2_000;
  warning.warn({ index: 2_000 });
  expect(lines.at(-1)).toEqual([{ index: 2_000, suppressed: 4 }, "refused"]);
});
