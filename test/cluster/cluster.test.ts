import { createCluster } from "redis";
import { afterAll, beforeAll, expect } from "vitest";
import { comparePositions, type Message, type Position, START } from "../../client/src/protocol/index.ts";
import { roomKeys } from "../../server/src/log/keys.ts";
import { faultsOf, startServers } from "../support/instances.ts";
import { testWithRedisServer as test } from "../support/needs.ts";
import { type RedisCluster, startRedisCluster } from "../support/redis-cluster.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { ask, askData, collect, connectStock } from "../support/stock-client.ts";
import { messageId, uniquePrefix, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

/** How often an instance compares the position of each of its rooms with the log, and some more. */
const positionCheckMs = 20_000;

let cluster: RedisCluster;
let servers: readonly ServerProcess[] = [];
const keyPrefix = uniquePrefix();

beforeAll(async () => {
  cluster = await startRedisCluster();
  servers = await startServers(2, { REDIS_URL: cluster.url, KEY_PREFIX: keyPrefix, DRAIN_SECONDS: "0" });
});
afterAll(async () => {
  const faults = servers.flatMap(faultsOf);
  await Promise.all(servers.map((server) => server.kill()));
  await cluster[Symbol.asyncDispose]();
  expect(faults).toEqual([]);
});

const url = (index: number) => servers[index]?.url ?? "";
const messageOf = (room: string, text: string) => ({ room, id: messageId(), event: "chat:message", data: { text } });

test("rooms spread over all masters, and are delivered from one instance to the other", async () => {
  using publisher = await connectStock(url(0));
  using member = await connectStock(url(1));
  using published = collect(member, "message:published");
  const rooms = Array.from({ length: 30 }, () => uniqueRoom());
  const owners = new Set<number>();
  for (const room of rooms) owners.add(await cluster.ownerOf(await cluster.slotOf(roomKeys(keyPrefix, room).log)));
  expect([...owners].sort()).toEqual([0, 1, 2]);
  await Promise.all(
    rooms.map(async (room) => {
      await askData(member, "room:join", { room });
      await askData(publisher, "message:publish", messageOf(room, "hi"));
    }),
  );
  await waitFor(() => published.items.length === rooms.length, "a message in each of the rooms");
  expect(published.items.map(({ room }) => room).sort()).toEqual([...rooms].sort());
});

test("everything that a room has shares a slot", async () => {
  const room = uniqueRoom();
  const keys = Object.values(roomKeys(keyPrefix, room));
  expect(keys).toHaveLength(5);
  const slots = await Promise.all(keys.map((key) => cluster.slotOf(key)));
  expect(new Set(slots).size).toBe(1);
  expect(
    new Set(await Promise.all([uniqueRoom(), uniqueRoom(), uniqueRoom()].map((name) => cluster.slotOf(`{${name}}`))))
      .size,
  ).toBeGreaterThan(1);
});

test("a session resumes, signals arrive and the script cache may be lost, on every master", async () => {
  using publisher = await connectStock(url(0));
  using member = await connectStock(url(1));
  using signals = collect(member, "signal:sent");
  const client = createCluster({ rootNodes: cluster.urls.map((address) => ({ url: address })) });
  await client.connect();
  try {
    const rooms = Array.from({ length: 9 }, () => uniqueRoom());
    for (const room of rooms) {
      const { position } = await askData(publisher, "message:publish", messageOf(room, "seen"));
      await Promise.all(client.masters.map(async (master) => (await client.nodeClient(master)).scriptFlush()));
      await askData(publisher, "message:publish", messageOf(room, "missed"));
      const page = await askData(member, "room:join", { room, since: position });
      expect(page).toMatchObject({ recovered: true, messages: [{ data: { text: "missed" } }] });
      await askData(publisher, "room:join", { room });
      await askData(publisher, "signal:send", { room, event: "chat:typing", data: {} });
      await signals.waitFor((item) => item.room === room, `the signal in ${room}`);
    }
  } finally {
    client.destroy();
  }
});

test("the client of a cluster shows the connections on which it subscribes, and learns its slots anew", async () => {
  const client = createCluster({ rootNodes: cluster.urls.map((address) => ({ url: address })), RESP: 3 });
  client.on("node-error", () => undefined);
  await client.connect();
  try {
    const subscribing = () => client.masters.filter(({ pubSub }) => pubSub?.client.isReady);
    expect(subscribing()).toEqual([]);
    const channel = uniqueRoom();
    await client.sSubscribe(channel, () => undefined, true);
    const [master, ...others] = subscribing();
    expect(others).toEqual([]);
    expect(master?.port).toBe(cluster.servers[await cluster.ownerOf(await cluster.slotOf(channel))]?.port);
    expect(await master?.pubSub?.client.ping()).toBe("PONG");
    client.slots.length = 0;
    await client._slots.rediscover();
    expect(new Set(client.slots.map((shard) => shard.master.port)).size).toBe(3);
  } finally {
    client.destroy();
  }
});

test("publishing while a slot moves to another master loses nothing", async () => {
  using publisher = await connectStock(url(0));
  using member = await connectStock(url(1));
  using published = collect(member, "message:published");
  using positions = collect(member, "room:position");
  const room = uniqueRoom();
  await askData(member, "room:join", { room });
  const slot = await cluster.slotOf(roomKeys(keyPrefix, room).log);
  const from = await cluster.ownerOf(slot);
  const to = (from + 1) % 3;

  const acknowledged = new Map<string, Position>();
  let refusals = 0;
  const publish = async (text: string) => {
    const message = messageOf(room, text);
    for (;;) {
      const answer = await ask(publisher, "message:publish", message);
      if (answer.ok) {
        acknowledged.set(text, answer.data.position);
        return;
      }
      expect(answer.error).toMatchObject({ code: "UNAVAILABLE", retryable: true });
      refusals += 1;
    }
  };
  let moved = false;
  const writer = (async () => {
    for (let index = 0; !moved || index < 200; index += 1) await publish(`${index}`);
  })();
  await waitFor(() => acknowledged.size > 20, "the first publishes");
  await cluster.moveSlot(slot, from, to);
  moved = true;
  await writer;
  await publish("fence");
  expect(await cluster.ownerOf(slot)).toBe(to);

  // Every acknowledged publish is in the log, once, in the order in which it was sent.
  const log: Message[] = [];
  for (let after: Position = START, complete = false; !complete; after = log.at(-1)?.position ?? START) {
    const page = await askData(member, "history:read", { room, after });
    expect(page.recovered).toBe(true);
    log.push(...page.messages);
    ({ complete } = page);
  }
  expect(log.map(({ data, position }) => [(data as { text: string }).text, position])).toEqual([...acknowledged]);

  // What did not arrive live is announced, so that the member fetches it.
  const newest = acknowledged.get("fence") ?? START;
  const live = () => published.items.flatMap(({ messages }) => messages.map(({ position }) => position));
  await waitFor(
    () => live().includes(newest) || positions.items.some(({ position }) => comparePositions(position, newest) >= 0),
    "the last message, or the position of the log",
    positionCheckMs,
  );
  const delivered = live().length;
  console.log(`resharding: ${acknowledged.size} published, ${delivered} live, ${refusals} refused and repeated`);

  // And the subscription follows the slot: later messages are live again.
  await waitFor(
    async () => {
      const { position } = await askData(publisher, "message:publish", messageOf(room, "after the move"));
      return waitFor(() => live().includes(position), "it live", 500);
    },
    "messages of the moved room to arrive live",
    positionCheckMs,
  );
}, 60_000);
