import { expect, test } from "vitest";
import { redisServerInstalled } from "../support/installed.ts";
import { describeFailovers, replayFailovers } from "./failovers/failover-report.ts";
import { runFailovers } from "./failovers/run-failovers.ts";

const options = { seed: 5, count: 12, oldMasters: ["dies", "demoted"] } as const;
const LIMIT_MS = 240_000;
/**
 * After several failovers in quick succession, a loss may be told to a member a second time: a known limit of the
 * client, which costs a load and loses nothing. In this run it is 1 to 7 of about 300 gaps.
 */
const REPEATED_GAPS_PER_GAP = 0.05;

test.runIf(redisServerInstalled)(
  "failovers that lose the last moment are told to everybody who is concerned, and those that lose nothing to nobody",
  async () => {
    const report = await runFailovers(options);
    console.log(describeFailovers(report));
    const again = `again with: ${replayFailovers(options)}`;
    expect(report.crashes, again).toEqual([]);
    const [lossy, lossless] = report.phases.map(({ verdict }) => verdict);
    const repeatedGaps = lossy?.problems.filter(({ kind }) => kind === "superfluous-gap") ?? [];
    expect(
      lossy?.problems.filter((problem) => !repeatedGaps.includes(problem)),
      again,
    ).toEqual([]);
    expect(repeatedGaps.length, again).toBeLessThan(REPEATED_GAPS_PER_GAP * (lossy?.gapsTold ?? 0));
    expect(lossless?.problems, again).toEqual([]);
    // Failovers in which nothing was lost prove little.
    expect(lossy?.acknowledgedLost).toBeGreaterThan(50);
    expect(lossy?.gapsExpected).toBeGreaterThan(50);
  },
  LIMIT_MS,
);
