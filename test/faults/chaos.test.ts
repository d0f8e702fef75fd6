import { expect } from "vitest";
import { testWithRedisServer } from "../support/needs.ts";
import { describeReport, held, replayCommand } from "./chaos/report.ts";
import { runChaos } from "./chaos/run.ts";

const SECONDS = 60;
// The faults, the longest time to heal, and starts and ends of processes on a busy machine.
const LIMIT_MS = 240_000;

// The embedded Valkey keeps nothing on disk, and Redis comes back with its data here.
testWithRedisServer(
  "in bad weather every acknowledged message reaches every member once and in order, or its application is told",
  async () => {
    const options = { seed: Math.floor(Math.random() * 2 ** 31), seconds: SECONDS };
    console.log(`${SECONDS} s of faults with seed ${options.seed}; again: ${replayCommand(options)}`);
    const report = await runChaos(options);
    console.log(describeReport(report));
    expect(held(report), `again with: ${replayCommand(options)}`).toBe(true);
    // A run in which little happened proves little.
    expect(report.history.publishes.length).toBeGreaterThan(500);
    expect(report.cutConnections).toBeGreaterThan(20);
  },
  LIMIT_MS,
);
