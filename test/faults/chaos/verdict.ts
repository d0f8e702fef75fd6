import type { Position } from "../../../client/src/protocol/position.ts";
import type { ToldGap } from "./explain-gaps.ts";
import type { Entry, History, Problem, RoomHistory } from "./history.ts";
import { judgeDelivery } from "./judge-delivery.ts";
import { judgePublishing } from "./judge-publishing.ts";
import { LogTree } from "./log-tree.ts";
import { Witnesses } from "./witnesses.ts";

export interface Verdict {
  /** Every way in which a run broke the promise; none when it held. */
  readonly problems: readonly Problem[];
  /** Over all members and losses: how often somebody had to be told of one. */
  readonly gapsExpected: number;
  readonly gapsTold: number;
  /** Each of these, with what it tells of. */
  readonly gaps: readonly ToldGap[];
  /** Messages that were acknowledged and then lost by Redis, and are in no log at the end. */
  readonly acknowledgedLost: number;
}

/** Knows nothing but the history. */
export function reachVerdict({ rooms, memberships, publishes, instanceEndsMs }: History): Verdict {
  const verdicts = rooms.map((history) => {
    const { room } = history;
    const tree = new LogTree(history.lives);
    const members = memberships.filter((membership) => membership.room === room);
    const published = publishes.filter((publish) => publish.room === room);
    const witnesses = new Witnesses(tree, members, published, instanceEndsMs);
    const deliveries = members.map((membership) => judgeDelivery(tree, membership, witnesses));
    const isLost = ({ text, outcome }: (typeof published)[number]) =>
      outcome.kind === "acknowledged" && !witnesses.isKept(text) && tree.find(outcome.position, text) !== undefined;
    return {
      problems: [
        ...judgeServed(history, tree),
        ...judgePublishing(tree, published),
        ...judgePositions(history, tree, { memberships: members, publishes: published }),
        ...deliveries.flatMap(({ problems }) => problems),
      ],
      gapsExpected: sum(deliveries, "gapsExpected"),
      gaps: deliveries.flatMap(({ gaps }) => gaps),
      acknowledgedLost: published.filter(isLost).length,
    };
  });
  return {
    problems: verdicts.flatMap(({ problems }) => problems),
    gapsExpected: sum(verdicts, "gapsExpected"),
    gapsTold: verdicts.flatMap(({ gaps }) => gaps).length,
    gaps: verdicts.flatMap(({ gaps }) => gaps),
    acknowledgedLost: sum(verdicts, "acknowledgedLost"),
  };
}

/** No position names two messages, for Redis, for members, for publishers, and in what is served. */
function judgePositions(
  { room, served }: RoomHistory,
  { nodes }: LogTree,
  { memberships, publishes }: Pick<History, "memberships" | "publishes">,
): Problem[] {
  const names = new Map<Position, Set<string>>();
  const note = ({ position, text }: Entry) => {
    names.set(position, (names.get(position) ?? new Set()).add(text ?? "an entry that is no message"));
  };
  nodes.forEach(note);
  served.forEach(note);
  for (const { events } of memberships) for (const event of events) if (event.kind === "message") note(event);
  for (const { text, outcome } of publishes) {
    if (outcome.kind === "acknowledged") note({ position: outcome.position, text });
  }
  return [...names].flatMap(([position, texts]) => {
    if (texts.size === 1) return [];
    return [{ kind: "position-reused", detail: `${room} ${position} names ${[...texts].join(" and ")}` }];
  });
}

function judgeServed({ room, served }: RoomHistory, { trunk }: LogTree): Problem[] {
  const describe = ({ position, text }: Entry) => `${position} ${text}`;
  const expected = trunk.filter(({ text }) => text !== undefined).map(describe);
  const got = served.map(describe);
  const at = Array.from({ length: Math.max(expected.length, got.length) }, (_, index) => index).find(
    (index) => expected[index] !== got[index],
  );
  if (at === undefined) return [];
  const detail = `${room}: message ${at} of the log is ${expected[at] ?? "missing"}, the server serves ${got[at] ?? "none"}`;
  return [{ kind: "served-differs", detail }];
}

function sum<Key extends string>(items: readonly Readonly<Record<Key, number>>[], key: Key): number {
  return items.reduce((total, item) => total + item[key], 0);
}
