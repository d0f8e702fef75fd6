import type { Entry, Generation, History, Problem, RoomHistory } from "./history.ts";
import { judgeDelivery } from "./judge-delivery.ts";
import { judgePublishing } from "./judge-publishing.ts";

/** Every way in which a run broke the promise; none when it held. Knows nothing but the history. */
export function reachVerdict({ rooms, memberships, publishes }: History): Problem[] {
  return rooms.flatMap((history) => {
    const { room } = history;
    const newest = history.generations.at(-1);
    // A log that was lost before anything was said in it looks like none to everybody.
    const generations = history.generations.filter((log) => log.entries.length > 0 || log === newest);
    return [
      ...judgeServed(history, newest),
      ...judgePublishing(
        generations,
        publishes.filter((publish) => publish.room === room),
      ),
      ...memberships
        .filter((membership) => membership.room === room)
        .flatMap((membership) => judgeDelivery(generations, membership)),
    ];
  });
}

function judgeServed({ room, served }: RoomHistory, newest: Generation | undefined): Problem[] {
  const describe = ({ position, text }: Entry) => `${position} ${text}`;
  const expected = newest?.entries.map(describe) ?? [];
  const got = served.map(describe);
  const at = Array.from({ length: Math.max(expected.length, got.length) }, (_, index) => index).find(
    (index) => expected[index] !== got[index],
  );
  if (at === undefined) return [];
  const detail = `${room}: message ${at} of the log is ${expected[at] ?? "missing"}, the server serves ${got[at] ?? "none"}`;
  return [{ kind: "served-differs", detail }];
}
