import { expect } from "vitest";
import { roomKeys } from "../../server/src/log/keys.ts";
import { faultsOf, startServers } from "../support/instances.ts";
import { testWithRedisServer } from "../support/needs.ts";
import { startRedisCluster } from "../support/redis-cluster.ts";
import { ask, askData, collect, connectStock } from "../support/stock-client.ts";
import { messageId, uniquePrefix, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

/** How long the demoted master, from which nothing is cut, is watched beside the others. */
const watchMs = 5_000;

testWithRedisServer(
  "a master of a cluster that is demoted costs its own rooms alone, for a moment, and no health",
  async () => {
    await using cluster = await startRedisCluster();
    const replica = await cluster.addReplica(0);
    const keyPrefix = uniquePrefix();
    const [server] = await startServers(1, { REDIS_URL: cluster.url, KEY_PREFIX: keyPrefix, DRAIN_SECONDS: "0" });
    if (server === undefined) throw new Error("expected an instance");
    await using _ends = server;
    using socket = await connectStock(server.url);
    using published = collect(socket, "message:published");
    const roomOn = async (master: number) => {
      for (;;) {
        const room = uniqueRoom();
        if ((await cluster.ownerOf(await cluster.slotOf(roomKeys(keyPrefix, room).log))) !== master) continue;
        await askData(socket, "room:join", { room });
        return room;
      }
    };
    const [demoted, ...others] = [await roomOn(0), await roomOn(1), await roomOn(2)];
    if (demoted === undefined) throw new Error("expected a room");
    const publish = async (room: string, text: string) => {
      const id = messageId();
      const answer = await ask(socket, "message:publish", { room, id, event: "chat:message", data: { text } });
      return { id, ok: answer.ok };
    };
    const isLive = (id: string) => published.items.some(({ messages }) => messages.some((told) => told.id === id));
    expect((await publish(demoted, "before")).ok).toBe(true);

    await cluster.failOver(replica);
    const demotedAtMs = performance.now();
    await waitFor(async () => {
      const { id, ok } = await publish(demoted, "after");
      return ok && waitFor(() => isLive(id), "it live", 500);
    }, "the rooms of the demoted master to be served, and live, again");
    const elsewhere: boolean[] = [];
    const health: number[] = [];
    await waitFor(async () => {
      for (const room of [demoted, ...others]) elsewhere.push((await publish(room, "meanwhile")).ok);
      health.push(await server.readyStatus());
      return performance.now() - demotedAtMs > watchMs;
    }, "some probes of the links");
    expect(new Set(elsewhere)).toEqual(new Set([true]));
    expect(new Set(health)).toEqual(new Set([200]));
    expect(server.logs.filter(({ msg }) => msg === "redis link lost")).toEqual([]);
    expect(faultsOf(server)).toEqual([]);
  },
);
