import { percentiles } from "../plots.ts";
import type { Figure, Report } from "../report.ts";
import { plain } from "../rig/contestants.ts";
import { type Counts, meanOf, mergeCounts, percentileOf } from "../rig/histogram.ts";
import type { BigRoom } from "./big-room.ts";
import type { Deaths } from "./deaths.ts";
import type { IdleCost } from "./idle.ts";
import type { Moves } from "./moves.ts";

interface Measured {
  readonly big: BigRoom;
  readonly plainListMs: Counts;
  readonly deaths: Deaths;
  readonly moves: Moves;
  readonly idle: { readonly big: IdleCost; readonly rooms200: IdleCost; readonly rooms10: IdleCost };
}

/** A value in the first column alone, which is that of Holdfast. */
function figure(name: string, unit: string, value: number): Figure {
  return { name, unit, values: [value, null] };
}

const ends = (name: string, counts: Counts): Figure[] =>
  [0.5, 0.99].map((share) => figure(`${name}, p${share * 100}`, "ms", percentileOf(counts, share)));

export function presenceReport({ big, plainListMs, deaths, moves, idle }: Measured): Report {
  const { storm, notices } = big;
  const goneMs = mergeCounts([deaths.killedMs, deaths.frozenMs]);
  const shown = moves.joins + moves.leaves;
  const [wholeP50, plainP50] = [big.wholeListMs, plainListMs].map((counts) => percentileOf(counts, 0.5));
  const costs = (name: string, cost: IdleCost): Figure[] => [
    figure(`commands per idle member and minute, ${name}`, "", cost.commandsPerMemberMinute),
    figure("  beside them, of links and logs", "", cost.otherCommandsPerMemberMinute),
    figure(`Redis memory per member, ${name}`, "bytes", cost.bytesPerMember),
  ];
  return {
    columns: ["Holdfast", plain.name],
    against: 1,
    figures: [
      figure("members of the big room", "", big.members),
      figure("time in which they joined", "ms", storm.tookMs),
      figure("notifications to each meanwhile, mean", "", meanOf(notices)),
      figure("notifications to each meanwhile, most", "", percentileOf(notices, 1)),
      figure("scripts at Redis meanwhile", "per second", storm.scriptsPerSecond),
      figure("commands at Redis meanwhile, those in scripts counted", "per second", storm.commandsPerSecond),
      figure("CPU of both servers meanwhile", "cores", storm.serversCpu),
      figure("CPU of Redis meanwhile", "cores", storm.redisCpu),
      ...ends("first page of the list", big.firstPageMs),
      ...[0.5, 0.99].map((share) => ({
        name: `whole list, p${share * 100}`,
        unit: "ms",
        values: [big.wholeListMs, plainListMs].map((counts) => percentileOf(counts, share)),
        isCompared: true,
      })),
      figure("whole list p50 against fetchSockets()", "x", (wholeP50 ?? Number.NaN) / (plainP50 ?? Number.NaN)),
      ...ends("count right after churn", big.countMs),
      ...ends("members of a killed instance are gone", deaths.killedMs),
      ...ends("members of a frozen instance are gone", deaths.frozenMs),
      figure("announcements of each, mean", "", deaths.announcements / deaths.expected),
      figure("planned moves", "", moves.moves),
      figure("cuts shorter than the grace", "", moves.cuts),
      figure("joins shown over both", "", moves.joins),
      figure("leaves shown over both", "", moves.leaves),
      ...costs("one big room", idle.big),
      ...costs("rooms of 200", idle.rooms200),
      ...costs("rooms of 10", idle.rooms10),
    ],
    targets: [
      { name: "notifications to each member", unit: "", value: percentileOf(notices, 1), atMost: 12 },
      { name: "first page of the list p99", unit: "ms", value: percentileOf(big.firstPageMs, 0.99), atMost: 100 },
      { name: "whole list p99", unit: "ms", value: percentileOf(big.wholeListMs, 0.99), atMost: 1_000 },
      {
        name: "members of a dead instance are gone, p50",
        unit: "ms",
        value: percentileOf(goneMs, 0.5),
        atMost: 15_000,
      },
      {
        name: "members of a dead instance are gone, p99",
        unit: "ms",
        value: percentileOf(goneMs, 0.99),
        atMost: 20_000,
      },
      { name: "joins and leaves shown of who stays", unit: "", value: shown, atMost: 0 },
      { name: "count right after churn", unit: "ms", value: percentileOf(big.countMs, 1), atMost: 1_000 },
      ...[
        { room: "one big room", cost: idle.big },
        { room: "rooms of 200", cost: idle.rooms200 },
      ].flatMap(({ room, cost }) => [
        { name: `commands of a member, ${room}`, unit: "per minute", value: cost.commandsPerMemberMinute, atMost: 0.1 },
        { name: `Redis memory of a member, ${room}`, unit: "bytes", value: cost.bytesPerMember, atMost: 200 },
      ]),
    ],
    failures: failures(big, deaths, shown),
    plots: [
      percentiles("Until members of a dead instance are gone", "ms", {
        "killed instance": deaths.killedMs,
        "frozen instance": deaths.frozenMs,
      }),
      percentiles("The whole list of members", "ms", { Holdfast: big.wholeListMs, [plain.name]: plainListMs }),
    ],
  };
}

function failures({ incomplete }: BigRoom, { announcements, expected }: Deaths, shown: number): string[] {
  return [
    ...(incomplete === 0 ? [] : [`${incomplete} lists left a member out`]),
    ...(announcements === expected
      ? []
      : [`expected ${expected} announcements that a member is gone, got ${announcements}`]),
    ...(shown === 0 ? [] : [`${shown} joins and leaves were shown of members that stayed`]),
  ];
}
