import { randomUUID } from "node:crypto";
import type { Server } from "../application/server.ts";
import { trustedCaller } from "./caller.ts";
import type { Requests } from "./carry-out.ts";

/** What the server's own side does with rooms, as methods: the same on a server and on a publisher. */
export function trustedSide<C>({ carryOut }: Requests): Pick<Server<C>, "publish" | "signal" | "history"> {
  return {
    publish: async (room, event, data, { id = randomUUID(), user = null } = {}) =>
      carryOut(trustedCaller(user), "message:publish", { room, id, event, data }),
    signal: async (room, event, data) => {
      await carryOut(trustedCaller(), "signal:send", { room, event, data });
    },
    history: async (room, range) => carryOut(trustedCaller(), "history:read", { room, ...range }),
  };
}
