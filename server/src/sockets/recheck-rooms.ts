import type { Standing } from "../auth/standing.ts";
import { adapterRoom, roomOfAdapterRoom } from "../broadcast/names.ts";
import type { RoomServer, RoomSocket } from "./room-server.ts";

/** How long the application may take to answer about a room that a connection is in, before the answer is taken for unknown. */
const answerWithinMs = 1_000;

/** The connections of a user on this instance. */
export function connectionsOf(io: RoomServer, user: string): RoomSocket[] {
  return [...io.of("/").sockets.values()].filter(({ data }) => data.identity?.user === user);
}

/**
 * Takes a connection out of the rooms that it may not read any more, and tells it so.
 *
 * @param room - the only one to look at; default: all that it is in
 * @param unknown - what becomes of a room about which the application gave no answer in time: after something has changed,
 *   the connection has to leave it, with UNAVAILABLE, and may join again; where its answer has only become old, it stays
 */
export async function recheckRooms(socket: RoomSocket, unknown: "leaves" | "stays", room?: string): Promise<void> {
  const joined = [...socket.rooms].flatMap((name) => roomOfAdapterRoom(name) ?? []);
  await Promise.all(
    joined
      .filter((each) => room === undefined || each === room)
      .map(async (each) => {
        const allowed = await mayRead(socket.data.identity, each);
        if (allowed === true || (allowed === undefined && unknown === "stays")) return;
        if (!socket.rooms.has(adapterRoom(each))) return;
        void socket.leave(adapterRoom(each));
        socket.emit("room:revoked", { room: each, code: allowed === false ? "FORBIDDEN" : "UNAVAILABLE" });
      }),
  );
}

/** Undefined where that is not known in time. */
async function mayRead(standing: Standing, room: string): Promise<boolean | undefined> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const asked = standing.may(room, "read");
    if (typeof asked === "boolean") return asked;
    const tooLate = new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), answerWithinMs);
    });
    return await Promise.race([asked, tooLate]);
  } catch {
    // The hook's own failure is logged where a request meets it; here the right is unknown.
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
