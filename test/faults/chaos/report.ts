import type { CastCounts } from "./cast.ts";
import { describeProblems, tally } from "./describe-problems.ts";
import type { History, MemberEvent, Problem } from "./history.ts";
import type { Crash } from "./instance.ts";
import type { Fault } from "./plan.ts";

const SHOWN_OUTPUT_CHARS = 4_000;

export interface Report {
  readonly seed: number;
  readonly seconds: number;
  readonly happened: ReadonlyMap<Fault["kind"], number>;
  readonly cutConnections: number;
  readonly cast: CastCounts;
  readonly history: History;
  /** From the end of the bad weather until every publish was settled and every member had the fence. */
  readonly healedAfterMs: number;
  readonly crashes: readonly Crash[];
  readonly problems: readonly Problem[];
  /** Everything that the instances printed, for whoever looks for a cause. */
  readonly instanceOutputs: readonly string[];
}

export function held({ problems, crashes }: Report): boolean {
  return problems.length === 0 && crashes.length === 0;
}

export function replayCommand({ seed, seconds }: Pick<Report, "seed" | "seconds">): string {
  return `npm run chaos -- --seconds ${seconds} --seed ${seed}`;
}

/** What a run did and how it ended, for people. */
export function describeReport(report: Report): string {
  const { history, happened, crashes, problems } = report;
  const events = history.memberships.map((membership) => membership.events);
  const told = events.flat();
  const deliveries = told.filter((event) => event.kind === "message");
  const count = (kind: "acknowledged" | "rejected" | "pending") =>
    history.publishes.filter(({ outcome }) => outcome.kind === kind).length;
  const faults = [...happened].sort().map(([kind, times]) => `${kind} ${times}`);
  const lines = [
    `faults: ${faults.join(", ")}`,
    `connections reset ${report.cutConnections}, reconnections ${report.cast.reconnections}, planned moves ${report.cast.moves}`,
    `published: acknowledged ${count("acknowledged")}, rejected ${count("rejected")}, pending ${count("pending")}`,
    `delivered ${deliveries.length}, of these replayed ${deliveries.filter(({ replayed }) => replayed).length}, ` +
      `gaps ${told.length - deliveries.length}`,
    `largest gap between consecutive deliveries ${Math.round(largestPauseMs(events))} ms, ` +
      `all settled ${Math.round(report.healedAfterMs)} ms after the weather cleared`,
    ...(report.cast.errors.length > 0 ? [`errors told to clients: ${tally(report.cast.errors)}`] : []),
    ...crashes.map(({ instance, output }) => `instance ${instance} crashed:\n${output.slice(-SHOWN_OUTPUT_CHARS)}`),
    ...describeProblems(problems),
    held(report) ? "verdict: every promise held" : `verdict: BROKEN; again with: ${replayCommand(report)}`,
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
