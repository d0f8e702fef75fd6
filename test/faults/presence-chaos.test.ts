import { expect } from "vitest";
import { testWithRedisServer } from "../support/needs.ts";
import {
  describePresence,
  presenceHeld,
  presenceReplayCommand,
  runPresenceChaos,
} from "./presence-chaos/run-presence.ts";

/** Fresh seeds are for `npm run chaos -- --presence`. */
const options = { seed: 41, seconds: 36 };
// The faults, and starts and ends of processes on a busy machine.
const limitMs = 240_000;

testWithRedisServer(
  "after bad weather every list is that of the sessions really connected, and cuts and moves show nobody leaving",
  async () => {
    const report = await runPresenceChaos(options);
    console.log(describePresence(report));
    expect(presenceHeld(report), `again with: ${presenceReplayCommand(options)}`).toBe(true);
    // A run in which little happened proves little.
    expect(report.happened.size).toBe(12);
  },
  limitMs,
);
