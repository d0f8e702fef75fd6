import { defineBench, progress } from "../bench.ts";
import type { Lines } from "../plot.ts";
import { known } from "../plots.ts";
import { deploy } from "../rig/deployment.ts";
import { percentileOf } from "../rig/histogram.ts";
import { busyFailures, busyFigures, latencies, perDelivered } from "./busy-report.ts";
import { type Round, startSide } from "./side.ts";

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
      await using side = await startSide(deployment, { rooms: 1, members, rate });
      await side.measure(rate * warmUpSeconds);
      columns.push([await side.measure(rate * seconds)]);
    }
    return {
      columns: delaysMs.map((delayMs) => `${delayMs} ms`),
      figures: busyFigures(columns),
      targets: [],
      failures: columns.flatMap((rounds) => busyFailures(rounds)),
      plots: [curve(columns)],
    };
  },
});

/** What a delay saves against what it costs, a point for each. */
function curve(columns: readonly (readonly Round[])[]): Lines {
  const points = columns.map((rounds, index) => ({
    x: percentileOf(latencies(rounds), 0.5),
    y: perDelivered(rounds, "serverUs"),
    label: `${delaysMs[index]} ms`,
  }));
  return {
    kind: "lines",
    title: "What a delay saves, and what it costs",
    x: { name: "latency p50, ms" },
    y: { name: "server CPU per delivery, us" },
    lines: [{ name: "BATCH_DELAY_MS", points: known(points) }],
  };
}
