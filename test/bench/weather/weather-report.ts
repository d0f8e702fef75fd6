import type { Lines } from "../plot.ts";
import { percentiles } from "../plots.ts";
import type { Figure } from "../report.ts";
import { percentileOf } from "../rig/histogram.ts";
import type { Summary } from "./member-record.ts";

/** The rows that every bench in bad weather prints, a column for each side. */
export function weatherFigures(sides: readonly Summary[]): Figure[] {
  const row = (name: string, unit: string, value: (side: Summary) => number): Figure => ({
    name,
    unit,
    values: sides.map(value),
  });
  const compared = (name: string, share: number): Figure => ({
    ...row(name, "ms", ({ reconnectMs }) => percentileOf(reconnectMs, share)),
    isCompared: true,
  });
  return [
    row("delivered", "%", ({ expected, lost }) => (100 * (expected - lost)) / expected),
    row("lost deliveries", "", ({ lost }) => lost),
    row("repeated deliveries", "", ({ repeated }) => repeated),
    row("deliveries out of order", "", ({ disordered }) => disordered),
    row("gaps told", "", ({ gaps }) => gaps),
    row("outages", "", ({ outages }) => outages),
    compared("from the cut to a new connection, p50", 0.5),
    compared("from the cut to a new connection, p99", 0.99),
    row("replay: new connection to all missed, p50", "ms", ({ replayMs }) => percentileOf(replayMs, 0.5)),
    row("replay: new connection to all missed, p99", "ms", ({ replayMs }) => percentileOf(replayMs, 0.99)),
    row("network back to all missed, p99", "ms", ({ backMs }) => percentileOf(backMs, 0.99)),
    row("from send to receipt, outages included, p99", "ms", ({ latencyMs }) => percentileOf(latencyMs, 0.99)),
  ];
}

/** How soon those who were cut had everything again. */
export function backPlot(names: readonly string[], sides: readonly Summary[]): Lines {
  const lines = sides.map(({ backMs }, index) => [names[index] ?? "", backMs] as const);
  return percentiles("From the network's return to having all that was missed", "ms", Object.fromEntries(lines));
}

/** What Holdfast promises; what stock clients lose is a figure and no failure. */
export function weatherFailures({ expected, lost, repeated, disordered, gaps }: Summary): string[] {
  const promises: readonly (readonly [number, string])[] = [
    [lost, "acknowledged messages did not reach a member"],
    [repeated, "messages came twice"],
    [disordered, "messages came out of order"],
    [gaps, "gaps were told where the log was complete"],
  ];
  const broken = promises.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`);
  return expected === 0 ? ["nothing was acknowledged", ...broken] : broken;
}
