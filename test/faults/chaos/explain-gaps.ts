import type { Position } from "../../../client/src/protocol/position.ts";
import type { Loss } from "./log-tree.ts";

/** A gap as one member was told of it, with the losses that it tells of. */
export interface ToldGap {
  readonly client: string;
  readonly room: string;
  readonly after: Position;
  readonly position: Position;
  readonly atMs: number;
  readonly losses: readonly Loss[];
}

/**
 * Why each gap had to be told, for people: a line a gap, below the losses that it tells of.
 *
 * @param startMs - the beginning of the run, from which moments are counted
 */
export function explainGaps(gaps: readonly ToldGap[], startMs: number): string[] {
  if (gaps.length === 0) return [];
  const groups = new Map<string, { readonly why: string; readonly lines: string[] }>();
  for (const { client, room, after, position, atMs, losses } of gaps) {
    const key = [room, ...losses.map((loss) => `${loss.atMs} ${loss.after.position}`)].join(" ");
    const why = losses.length === 0 ? "nothing that the run knows of was lost" : losses.map(describe).join("; ");
    const group = groups.get(key) ?? { why: `${room}: ${why}`, lines: [] };
    const latest = losses.at(-1);
    const delay = latest === undefined ? "" : `, ${seconds(atMs - latest.atMs)} later`;
    group.lines.push(`${client} was told that messages may be missing between ${after} and ${position}${delay}`);
    groups.set(key, group);
  }
  return [
    "each gap, and why telling it keeps the promise: what Redis has lost is gone, and who may miss some of it must be told so",
    ...[...groups.values()].flatMap(({ why, lines }) => [`  ${why}`, ...lines.map((line) => `    ${line}`)]),
  ];

  function describe({ atMs, after, nodes }: Loss): string {
    const messages = nodes.filter(({ text }) => text !== undefined).length;
    return `Redis lost ${messages} ${messages === 1 ? "message" : "messages"} after ${after.position} at ${seconds(atMs - startMs)}`;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
