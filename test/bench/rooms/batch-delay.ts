import { defineBench, progress } from "../bench.ts";
import { deploy } from "../rig/deployment.ts";
import { busyFailures, busyFigures, type Round, startSide } from "./busy-rooms.ts";

const delaysMs = [0, 5, 10, 20, 50, 100];
const warmUpSeconds = 1;

export const batchDelay = defineBench({
  summary: "what BATCH_DELAY_MS saves in one busy room on two instances, and what it costs in latency",
  options: {
    members: { default: 400, meaning: "members of the room, on both instances together" },
    rate: { default: 800, meaning: "messages per second" },
    seconds: { default: 8, meaning: "seconds of messages measured for each delay, after a warm-up" },
  },
  async run({ members, rate, seconds }) {
    const columns: Round[][] = [];
    for (const delayMs of delaysMs) {
      progress(`${delayMs} ms`);
      await using deployment = await deploy("holdfast", { instances: 2, env: { BATCH_DELAY_MS: String(delayMs) } });
      await using side = await startSide(deployment, { rooms: 1, members, rate, seconds, rounds: 1 });
      await side.measure(rate * warmUpSeconds);
      columns.push([await side.measure(rate * seconds)]);
    }
    return {
      columns: delaysMs.map((delayMs) => `${delayMs} ms`),
      figures: busyFigures(columns, members),
      targets: [],
      failures: columns.flatMap((rounds) => busyFailures(rounds, members)),
    };
  },
});
