import { adapterRoom } from "../broadcast/names.ts";
import { limitsOf } from "./connection-limits.ts";
import type { RoomServer, RoomSocket } from "./room-server.ts";

/**
 * What may wait to be sent to one connection before it gets no more signals: twice the largest message. Behind more than that a
 * signal would come late, and of something that moves a later one follows anyway.
 */
const signalWaitingBytesLimit = 128 * 1024;

/** The sockets in a room of this instance for which so much waits that they get no signals now. */
export function slowReadersIn(io: RoomServer, room: string): string[] {
  const { adapter, sockets } = io.of("/");
  return [...(adapter.rooms.get(adapterRoom(room)) ?? [])].filter((id) => {
    const socket = sockets.get(id);
    return socket !== undefined && isSlow(socket);
  });
}

/** Whether so much waits for a socket that a signal would come late. */
export function isSlow(socket: RoomSocket): boolean {
  return limitsOf(socket).outgoing.waitingBytes > signalWaitingBytesLimit;
}
