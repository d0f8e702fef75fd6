import { createClient } from "redis";
import { expect } from "vitest";
import { testWithRedisServer } from "../support/needs.ts";
import { ask, askData, type StockSocket } from "../support/stock-client.ts";
import { messageId, sessionId } from "../support/unique.ts";
import { withTimeout } from "../support/wait.ts";
import { startAuthRig } from "./auth-rig.ts";

const everything = { "*": "read write" };
const noReturn = { reconnection: false };
const cutOf = (socket: StockSocket) => new Promise<string>((resolve) => socket.once("disconnect", resolve));

testWithRedisServer.each([
  ["OOM", { maxmemory: "1" }],
  ["NOREPLICAS", { "min-replicas-to-write": "1" }],
] as const)(
  "where Redis refuses writes with %s, users connect, join and read, and can be disconnected",
  async (code, config) => {
    await using rig = await startAuthRig({}, { instances: 2 });
    const token = await rig.token("ann", { rooms: everything });
    const known = sessionId();
    const first = await rig.stock({ token, session: known, socket: noReturn });
    await rig.server.publish("lobby", "said", "before");
    const admin = createClient({ url: rig.redis.url });
    await admin.connect();
    try {
      await admin.configSet(config);
      using again = await rig.stock({ token, session: known, socket: noReturn }, 1);
      using fresh = await rig.stock({ token, socket: noReturn }, 1);
      for (const socket of [again, fresh]) {
        const { messages } = await askData(socket, "room:join", { room: "lobby", history: 1 });
        expect(messages.map(({ data }) => data)).toEqual(["before"]);
        const said = { room: "lobby", id: messageId(), event: "said", data: "refused" };
        const refusal = await ask(socket, "message:publish", said);
        expect(refusal).toMatchObject({ error: { code: "UNAVAILABLE", message: expect.stringContaining(code) } });
      }
      // What is another user's is refused as ever: to see that needs no write.
      const bob = await rig.token("bob", { rooms: everything });
      await expect(rig.stock({ token: bob, session: known }, 1)).rejects.toMatchObject({ data: { code: "FORBIDDEN" } });

      const cuts = Promise.all([first, again, fresh].map(cutOf));
      await expect(rig.server.disconnectUser("ann")).rejects.toMatchObject({ code: "UNAVAILABLE" });
      expect(await withTimeout(cuts, "the connections to be closed on both instances")).toHaveLength(3);
      for (const instance of [0, 1]) {
        await expect(rig.stock({ token }, instance)).rejects.toMatchObject({ data: { code: "TOKEN_EXPIRED" } });
      }
    } finally {
      admin.destroy();
    }
  },
);
