import { createClient } from "redis";
import { expect } from "vitest";
import { faultsOf, startInstances } from "../support/instances.ts";
import { testWithRedisServer } from "../support/needs.ts";
import { startRedis } from "../support/redis-server.ts";
import { ask, askData, collect, connectStock } from "../support/stock-client.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

/** What an old proxy in front of Redis knows: version 2 of the protocol alone. */
const withoutHello = { args: ["--rename-command", "HELLO", ""] };

testWithRedisServer(
  "where HELLO is unknown the older protocol is spoken: messages and signals arrive, and silence is noticed",
  async () => {
    await using redis = await startRedis(withoutHello);
    await using instances = await startInstances(2, { redis });
    using publisher = await connectStock(instances.url(0));
    using member = await connectStock(instances.url(1));
    using published = collect(member, "message:published");
    using signals = collect(member, "signal:sent");
    const room = uniqueRoom();
    /** Publishes until one message arrives live: after an outage the room's channel may be subscribed to a moment later. */
    const arrivesLive = (text: string) =>
      waitFor(async () => {
        const id = messageId();
        const message = { room, id, event: "chat:message", data: { text } };
        if (!(await ask(publisher, "message:publish", message)).ok) return false;
        const isLive = () => published.items.some(({ messages }) => messages.some((told) => told.id === id));
        return waitFor(isLive, "it live", 500);
      }, `"${text}" to arrive live`);
    const healthIs = (status: number) =>
      waitFor(
        async () => (await Promise.all(instances.servers.map((s) => s.readyStatus()))).every((s) => s === status),
        `/readyz of both instances to answer ${status}`,
      );
    for (const socket of [publisher, member]) await askData(socket, "room:join", { room });
    await arrivesLive("first");
    await askData(publisher, "signal:send", { room, event: "chat:typing", data: {} });
    await signals.waitFor((signal) => signal.room === room, "the signal");

    const admin = createClient({ url: redis.url, RESP: 2 });
    await admin.connect();
    try {
      const links = (await admin.clientList()).filter(({ name }) => name?.startsWith("holdfast-"));
      expect(links.map(({ name }) => name).sort()).toEqual([
        "holdfast-commands",
        "holdfast-commands",
        "holdfast-subscriptions",
        "holdfast-subscriptions",
      ]);
      // A subscribing connection of this protocol is probed by PING alone, and stays.
      const pings = async () => Number(/cmdstat_ping:calls=(\d+)/.exec(await admin.info("commandstats"))?.[1] ?? 0);
      const before = await pings();
      await waitFor(async () => (await pings()) >= before + 4, "each subscribing link to be probed twice");
      const ids = new Set((await admin.clientList()).map(({ id }) => id));
      expect(links.filter(({ id }) => !ids.has(id))).toEqual([]);
    } finally {
      admin.destroy();
    }

    redis.freeze();
    await healthIs(503);
    redis.thaw();
    await healthIs(200);
    await arrivesLive("after the freeze");
    await redis.restart({ keepData: false });
    await arrivesLive("after the restart");
    await askData(member, "room:leave", { room });
    await askData(member, "room:join", { room });
    await arrivesLive("after the return");
    expect(instances.servers.flatMap(faultsOf)).toEqual([]);
  },
);
