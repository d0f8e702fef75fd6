import { progress } from "../bench.ts";
import type { Report } from "../report.ts";
import { baseline, type Contestant, plain } from "../rig/contestants.ts";
import { deploy } from "../rig/deployment.ts";
import { busyFailures, busyFigures, busyPlots, perDelivered } from "./busy-report.ts";
import { type Load, type Round, type Side, startSide } from "./side.ts";

const INSTANCES = 2;
const WARM_UP_SECONDS = 1;

export type BusyRooms = Load & Readonly<Record<"seconds" | "rounds", number>>;

/** All contestants in turns, under the same load. */
export async function measureBusyRooms(
  contestants: readonly Contestant[],
  values: BusyRooms,
  ratioAtMost?: number,
): Promise<Report> {
  const sides: (Side & AsyncDisposable)[] = [];
  try {
    for (const { kind, name } of contestants) {
      progress(`${name}: ${values.members} members join`);
      const side = await startSide(await deploy(kind, { instances: INSTANCES }), values);
      sides.push(side);
      await side.measure(values.rate * WARM_UP_SECONDS);
    }
    const columns: Round[][] = contestants.map(() => []);
    for (let round = 1; round <= values.rounds; round += 1) {
      progress(`round ${round} of ${values.rounds}`);
      const messages = Math.ceil((values.rate * values.seconds) / values.rounds);
      for (const [column, side] of sides.entries()) columns[column]?.push(await side.measure(messages));
    }
    return report(contestants, columns, ratioAtMost);
  } finally {
    await Promise.all(sides.map((side) => side[Symbol.asyncDispose]()));
  }
}

function report(
  contestants: readonly Contestant[],
  columns: readonly (readonly Round[])[],
  ratioAtMost: number | undefined,
): Report {
  const names = contestants.map(({ name }) => name);
  const [ours = []] = columns;
  const held = columns[contestants.indexOf(plain)];
  const ratio = held === undefined ? undefined : perDelivered(ours, "serverUs") / perDelivered(held, "serverUs");
  return {
    columns: names,
    ...baseline(contestants),
    figures: busyFigures(columns),
    targets:
      ratio === undefined || ratioAtMost === undefined
        ? []
        : [{ name: "ratio of server CPU per delivered message", unit: "x", value: ratio, atMost: ratioAtMost }],
    // What the others lose under load is a figure; what Holdfast loses is a failure.
    failures: busyFailures(ours),
    plots: busyPlots(names, columns),
  };
}
