import { expect } from "vitest";
import { fakeClockInstalled } from "../support/fake-clock.ts";
import { testWithRedisServer } from "../support/needs.ts";
import { describeReport, held, replayCommand } from "./chaos/report.ts";
import { runChaos } from "./chaos/run.ts";

/** Whose faults are of every kind. Fresh seeds are for `npm run chaos`. */
const options = { seed: 378, seconds: 30 };
// The faults, the longest time to heal, and starts and ends of processes on a busy machine.
const LIMIT_MS = 240_000;
const KINDS = 20;
const CLOCK_KINDS = 2;

// The embedded Valkey keeps nothing on disk, and Redis comes back with its data here.
testWithRedisServer(
  "in bad weather every acknowledged message reaches every member once and in order, or its application is told",
  async () => {
    const report = await runChaos(options);
    console.log(describeReport(report));
    expect(held(report), `again with: ${replayCommand(options)}`).toBe(true);
    // A run in which little happened proves little.
    expect(report.history.publishes.length).toBeGreaterThan(200);
    expect(report.cutConnections).toBeGreaterThan(10);
    expect(report.happened.size).toBe(fakeClockInstalled ? KINDS : KINDS - CLOCK_KINDS);
  },
  LIMIT_MS,
);
