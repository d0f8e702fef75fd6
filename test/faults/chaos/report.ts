import { describeProblems, tally } from "./describe-problems.ts";
import { explainGaps } from "./explain-gaps.ts";
import type { MemberEvent } from "./history.ts";
import type { Report, RunOptions } from "./run.ts";

const SHOWN_OUTPUT_CHARS = 4_000;

/** The most that an instance may use: what fits into one of 512 MB with room to spare. */
const MEMORY_LIMIT_BYTES = 400 * 1024 * 1024;

export function held({ verdict, crashes, largestMemoryBytes }: Report): boolean {
  return verdict.problems.length === 0 && crashes.length === 0 && largestMemoryBytes < MEMORY_LIMIT_BYTES;
}

export function replayCommand({ seed, seconds, isCluster = false, isLong = false }: RunOptions): string {
  const flags = `${isCluster ? " --cluster" : ""}${isLong ? " --long" : ""}`;
  return `npm run chaos -- --seconds ${seconds} --seed ${seed}${flags}`;
}

/** What a run did and how it ended, for people. */
export function describeReport(report: Report): string {
  const { history, happened, crashes, verdict } = report;
  const events = history.memberships.map((membership) => membership.events);
  const told = events.flat();
  const deliveries = told.filter((event) => event.kind === "message");
  const count = (kind: "acknowledged" | "rejected" | "pending") =>
    history.publishes.filter(({ outcome }) => outcome.kind === kind).length;
  const startMs = Math.min(...history.memberships.map(({ joinedAtMs }) => joinedAtMs));
  const faults = [...happened].sort().map(([kind, times]) => `${kind} ${times}`);
  const lines = [
    `faults: ${faults.join(", ")}`,
    `connections reset ${report.cutConnections}, reconnections ${report.cast.reconnections}, planned moves ${report.cast.moves}`,
    `published: acknowledged ${count("acknowledged")}, rejected ${count("rejected")}, pending ${count("pending")}`,
    `delivered ${deliveries.length}, of these replayed ${deliveries.filter(({ replayed }) => replayed).length}, ` +
      `gaps ${verdict.gapsTold}; losses to be told ${verdict.gapsExpected}`,
    `acknowledged and then lost by Redis ${verdict.acknowledgedLost}`,
    `largest memory of an instance ${Math.round(report.largestMemoryBytes / 1024 / 1024)} MiB`,
    `largest gap between consecutive deliveries ${Math.round(largestPauseMs(events))} ms, ` +
      `all settled ${Math.round(report.healedAfterMs)} ms after the weather cleared`,
    ...(report.cast.errors.length > 0 ? [`errors told to clients: ${tally(report.cast.errors)}`] : []),
    ...crashes.map(({ instance, output }) => `instance ${instance} crashed:\n${output.slice(-SHOWN_OUTPUT_CHARS)}`),
    ...describeProblems(verdict.problems),
    ...explainGaps(verdict.gaps, startMs),
    held(report) ? "verdict: every promise held" : `verdict: BROKEN; again with: ${replayCommand(report.options)}`,
  ];
  return lines.join("\n");
}

/** Between two messages that one member got one after the other. */
function largestPauseMs(memberships: readonly (readonly MemberEvent[])[]): number {
  let largest = 0;
  for (const events of memberships) {
    const times = events.filter(({ kind }) => kind === "message").map(({ atMs }) => atMs);
    times.forEach((atMs, index) => {
      largest = Math.max(largest, atMs - (times[index - 1] ?? atMs));
    });
  }
  return largest;
}
