import { expect, test } from "vitest";
import { describeReport, replayCommand, totalOf } from "./report.ts";
import { runHostile } from "./run.ts";

/** Fresh seeds are for `npm run hostile`. */
const options = { seed: 9, inputs: 100_000 };
/** The attack, what it takes to settle, and a machine that is busy with other tests. */
const LIMIT_MS = 300_000;

test(
  "a hundred thousand hostile inputs leave the server as it was, and an honest client notices nothing",
  async () => {
    const report = await runHostile(options);
    console.log(describeReport(report));
    expect(report.problems, `again with: ${replayCommand(report)}`).toEqual([]);
    expect(totalOf(report)).toBeGreaterThanOrEqual(options.inputs);
  },
  LIMIT_MS,
);
