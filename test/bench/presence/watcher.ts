import type { AnyContract, MembersChange } from "@holdfast/client";
import { createMembers } from "../../../client/src/members.ts";
import { askData, connectStock } from "../../support/stock-client.ts";

/** A member that notes what it is told of the others, as the client package would tell an application. */
export interface PresenceWatcher extends Disposable {
  readonly members: ReadonlyMap<string, unknown>;
  readonly count: number;
  /** Joins and leaves that an application was shown. */
  readonly shown: { joins: number; leaves: number };
  /** Session -> when it was seen to be gone, in milliseconds of `performance.now()`. */
  readonly goneAtMs: ReadonlyMap<string, number>;
  /** Session -> notifications on the wire that said that it left. */
  readonly announcements: ReadonlyMap<string, number>;
}

export async function watchMembers(url: string, room: string): Promise<PresenceWatcher> {
  const socket = await connectStock(url, { socket: { reconnection: false } });
  const members = createMembers();
  const shown = { joins: 0, leaves: 0 };
  const goneAtMs = new Map<string, number>();
  const announcements = new Map<string, number>();
  const note = (change: MembersChange<AnyContract> | "read" | undefined) => {
    if (change === "read") void read();
    if (change === undefined || change === "read") return;
    shown.joins += change.joined.length;
    shown.leaves += change.left.length;
    for (const { session } of change.left) goneAtMs.set(session, performance.now());
  };
  const read = async () => {
    const list = await askData(socket, "presence:list", { room }).catch(() => undefined);
    for (const change of members.listed(list)) note(change);
  };
  socket.on("presence:changed", (payload) => {
    for (const session of payload.left) announcements.set(session, (announcements.get(session) ?? 0) + 1);
    note(members.changed(payload));
  });
  note(members.joined(await askData(socket, "room:join", { room, presence: true })));
  return {
    get members() {
      return members.map;
    },
    get count() {
      return members.count ?? 0;
    },
    shown,
    goneAtMs,
    announcements,
    [Symbol.dispose]: () => void socket.disconnect(),
  };
}
