import { expect, test } from "vitest";
import { redisServerInstalled } from "../support/installed.ts";
import { describeFailovers, failoversHeld, replayFailovers } from "./failovers/failover-report.ts";
import { runFailovers } from "./failovers/run-failovers.ts";

const options = { seed: 5, count: 12, oldMasters: ["dies", "demoted"] } as const;
const LIMIT_MS = 240_000;

test.runIf(redisServerInstalled)(
  "failovers that lose the last moment are told to everybody who is concerned, and those that lose nothing to nobody",
  async () => {
    const report = await runFailovers(options);
    console.log(describeFailovers(report));
    const [lossy] = report.phases.map(({ verdict }) => verdict);
    expect(failoversHeld(report), `again with: ${replayFailovers(options)}`).toBe(true);
    // Failovers in which nothing was lost prove little.
    expect(lossy?.acknowledgedLost).toBeGreaterThan(50);
    expect(lossy?.gapsExpected).toBeGreaterThan(50);
  },
  LIMIT_MS,
);
