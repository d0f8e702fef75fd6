import type { Socket } from "socket.io";
import { adapterRoom } from "../broadcast/names.ts";
import { RequestError } from "../errors.ts";
import type { Membership } from "../requests/caller.ts";

/**
 * The rooms of one socket, as the adapter keeps them.
 *
 * @param confirmed - resolves when the room's channel is subscribed to; throws UNAVAILABLE
 */
export function socketMembership(socket: Socket, confirmed: (room: string) => Promise<void>): Membership {
  return {
    get size() {
      // Every socket is also in the private room that carries its id.
      return socket.rooms.size - 1;
    },
    has: (room) => socket.rooms.has(adapterRoom(room)),
    add: async (room) => {
      // A socket that is gone would never be taken out of the room again.
      if (!socket.connected) throw new RequestError("UNAVAILABLE", "the connection is closed");
      await socket.join(adapterRoom(room));
      await confirmed(room);
    },
    remove: (room) => {
      void socket.leave(adapterRoom(room));
    },
  };
}
