import type { Action } from "../auth/rights.ts";
import type { Standing } from "../auth/standing.ts";
import { adapterRoom, roomOfAdapterRoom } from "../broadcast/names.ts";
import type { RoomServer, RoomSocket } from "./room-server.ts";

/** How long the application may take to answer about a room that a connection is in, before the answer is taken for unknown. */
const answerWithinMs = 1_000;

/** The connections of a user on this instance. */
export function connectionsOf(io: RoomServer, user: string): RoomSocket[] {
  return [...io.of("/").sockets.values()].filter(({ data }) => data.standing?.user === user);
}

/** The rooms that a connection is in. */
export function joinedRooms(socket: RoomSocket): string[] {
  return [...socket.rooms].flatMap((name) => roomOfAdapterRoom(name) ?? []);
}

/** Takes a connection out of a room, and tells it so. */
export function expel(socket: RoomSocket, room: string, code: "FORBIDDEN" | "UNAVAILABLE"): void {
  if (!socket.rooms.has(adapterRoom(room))) return;
  void socket.leave(adapterRoom(room));
  socket.data.onExpelled(room, code);
  socket.emit("room:revoked", { room, code });
}

/**
 * Ends the membership of a connection that may not write in a room any more. Where the application gives no answer in time
 * it stays a member, until its next answer.
 */
async function recheckMember(socket: RoomSocket, room: string): Promise<void> {
  const { standing, membership } = socket.data;
  if (membership.isMember(room) && (await may(standing, room, "write")) === false) membership.end(room);
}

/**
 * Takes a connection out of the rooms that it may not read any more, and ends its membership where it may not write, after something about its rights has changed. A room
 * about which the application gives no answer in time is left as well, with UNAVAILABLE, and may be joined again.
 *
 * @param room - the only one to look at; default: all that it is in
 */
export async function recheckRooms(socket: RoomSocket, room?: string): Promise<void> {
  const rooms = joinedRooms(socket).filter((each) => room === undefined || each === room);
  await Promise.all(
    rooms.map(async (each) => {
      const allowed = await may(socket.data.standing, each, "read");
      if (allowed === true) await recheckMember(socket, each);
      else expel(socket, each, allowed === false ? "FORBIDDEN" : "UNAVAILABLE");
    }),
  );
}

/** Undefined where that is not known in time. */
async function may(standing: Standing, room: string, action: Action): Promise<boolean | undefined> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const asked = standing.may(room, action);
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
