import type { HostileReport } from "./run.ts";

const MEBIBYTE = 2 ** 20;
const mebibytes = (bytes: number) => `${(bytes / MEBIBYTE).toFixed(1)} MiB`;

/** The number of inputs of all kinds. */
export const totalOf = ({ inputs }: HostileReport) => Object.values(inputs).reduce((sum, count) => sum + count, 0);

/** The command that makes the same inputs again. */
export const replayCommand = (report: HostileReport) =>
  `npm run hostile -- --seed ${report.seed} --inputs ${totalOf(report)}`;

/** The report as a person reads it. */
export function describeReport(report: HostileReport): string {
  const { seed, inputs, seconds, honestP99Ms, honestLongestMs, problems } = report;
  const kinds = Object.entries(inputs).map(([kind, count]) => `${kind} ${count}`);
  return [
    `seed ${seed}: ${totalOf(report)} hostile inputs in ${seconds.toFixed(1)} s (${kinds.join(", ")})`,
    `an honest publish took ${honestP99Ms.toFixed(0)} ms at p99, ${honestLongestMs.toFixed(0)} ms at most`,
    `kept after a collection: ${mebibytes(report.keptBytes)}, ${mebibytes(report.baselineBytes)} after the warm-up; resident ${mebibytes(report.residentBytes)}`,
    ...(problems.length === 0
      ? ["nothing went wrong"]
      : [...problems.slice(0, 20), `again with: ${replayCommand(report)}`]),
  ].join("\n");
}
