import type { Socket } from "socket.io";
import { adapterRoom, roomChannel } from "../broadcast/names.ts";
import type { Subscriptions } from "../broadcast/subscriptions.ts";
import { RequestError } from "../errors.ts";
import type { Membership } from "../requests/caller.ts";

/** The rooms of one socket, as the adapter keeps them; adding one waits until its channel is subscribed to. */
export function socketMembership(socket: Socket, subscriptions: Subscriptions, keyPrefix: string): Membership {
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
      await subscriptions.confirmed(roomChannel(keyPrefix, room));
    },
    remove: (room) => {
      void socket.leave(adapterRoom(room));
    },
  };
}
