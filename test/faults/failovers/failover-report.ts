import { describeProblems, tally } from "../chaos/describe-problems.ts";
import type { ProblemKind } from "../chaos/history.ts";
import type { FailoverPhase, FailoverReport } from "./run-failovers.ts";

const SHOWN_OUTPUT_CHARS = 4_000;

export function failoversHeld({ phases, crashes }: FailoverReport): boolean {
  return crashes.length === 0 && phases.every(({ verdict }) => verdict.problems.length === 0);
}

export function replayFailovers({ seed, count }: Pick<FailoverReport, "seed" | "count">): string {
  return `npm run chaos -- --failovers ${count} --seed ${seed}`;
}

/** What the failovers did and how they ended, for people. */
export function describeFailovers(report: FailoverReport): string {
  const lines = [
    ...report.phases.flatMap(describePhase),
    ...report.crashes.map(
      ({ instance, output }) => `instance ${instance} crashed:\n${output.slice(-SHOWN_OUTPUT_CHARS)}`,
    ),
    failoversHeld(report)
      ? "verdict: every promise held"
      : `verdict: BROKEN; again with: ${replayFailovers(report)} (the failovers are the same, what they meet differs)`,
  ];
  return lines.join("\n");
}

function describePhase({ isLossy, failovers, history, verdict, cast, tookMs, healedAfterMs }: FailoverPhase): string[] {
  const { problems, acknowledgedLost, gapsExpected, gapsTold } = verdict;
  const count = (...kinds: ProblemKind[]) => problems.filter(({ kind }) => kinds.includes(kind)).length;
  const acknowledged = history.publishes.filter(({ outcome }) => outcome.kind === "acknowledged").length;
  const rows: [string, number][] = [
    ["failovers", failovers],
    ["publishes", history.publishes.length],
    ["acknowledged", acknowledged],
    ["of these lost by Redis", acknowledgedLost],
    ["missing in silence (by member)", count("lost")],
    ["told twice (by member)", count("repeated")],
    ["positions used twice", count("position-reused")],
    ["losses to be told (by member)", gapsExpected],
    ["gaps told", gapsTold],
    ["losses without a gap", count("missing-gap", "untold-loss")],
    ["gaps without a loss", count("superfluous-gap")],
    ["problems in all", problems.length],
  ];
  return [
    `${isLossy ? "failovers that lose the last moment" : "failovers that lose nothing"}, ` +
      `${Math.round(tookMs / 1000)} s, whole ${Math.round(healedAfterMs)} ms after the last one`,
    ...rows.map(([name, value]) => `  ${name.padEnd(32)} ${value}`),
    ...(cast.errors.length > 0 ? [`  errors told to clients: ${tally(cast.errors)}`] : []),
    ...describeProblems(problems).map((line) => `  ${line}`),
  ];
}
