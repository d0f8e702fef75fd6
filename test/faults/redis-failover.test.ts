import { createClient } from "redis";
import { expect, test } from "vitest";
import { faultsOf, startInstances } from "../support/instances.ts";
import { startRedis } from "../support/redis-server.ts";
import { ask, askData, collect, connectStock } from "../support/stock-client.ts";
import { startRelay } from "../support/tcp-relay.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

// The relay is the name under which Redis is known: a failover moves it, and connections that are open stay open.

async function commandOf(url: string, command: readonly string[]): Promise<string> {
  const admin = createClient({ url, RESP: 2 });
  await admin.connect();
  try {
    return String(await admin.sendCommand([...command]));
  } finally {
    admin.destroy();
  }
}

const replicaOf = (url: string, port: number) => commandOf(url, ["REPLICAOF", "127.0.0.1", String(port)]);

test.each([
  ["", []],
  [", in the older protocol, in which a subscribing connection cannot ask what its server is", ["HELLO", ""]],
])(
  "an instance whose Redis was demoted under open connections follows the name to the new master%s",
  async (_, renamed) => {
    const args = renamed.length === 0 ? [] : ["--rename-command", ...renamed];
    await using former = await startRedis({ args });
    await using successor = await startRedis({ args });
    await using name = await startRelay(former.port);
    await using instances = await startInstances(1, {
      redis: former,
      env: { REDIS_URL: `redis://127.0.0.1:${name.port}` },
    });
    const [server] = instances.servers;
    if (server === undefined) throw new Error("expected an instance");
    using socket = await connectStock(server.url);
    using published = collect(socket, "message:published");
    const room = uniqueRoom();
    const messageOf = (text: string) => ({ room, id: messageId(), event: "chat:message", data: { text } });
    await askData(socket, "room:join", { room });
    await askData(socket, "message:publish", messageOf("before"));
    const connection = socket.id;

    name.targetPort = successor.port;
    await replicaOf(former.url, successor.port);
    expect(await ask(socket, "message:publish", messageOf("to the replica"))).toMatchObject({
      ok: false,
      error: { code: "UNAVAILABLE" },
    });
    const message = messageOf("to the master");
    await waitFor(async () => (await ask(socket, "message:publish", message)).ok, "a publish on the new master");
    await waitFor(async () => (await server.readyStatus()) === 200, "/readyz to answer 200");
    const arrived = (id: string) => published.items.some(({ messages }) => messages.some((told) => told.id === id));
    await waitFor(async () => {
      const live = messageOf("live");
      await askData(socket, "message:publish", live);
      return waitFor(() => arrived(live.id), "it live", 500);
    }, "messages to arrive live again");
    await waitFor(
      async () => !(await commandOf(former.url, ["CLIENT", "LIST"])).includes("holdfast-"),
      "both links to have left the former master",
    );
    expect(socket.id).toBe(connection);
    expect(faultsOf(server)).toEqual([]);
  },
);

test("an idle instance notices by itself that its Redis was demoted, says so, and waits for a master without haste", async () => {
  await using redis = await startRedis();
  await using name = await startRelay(redis.port);
  await using instances = await startInstances(1, { redis, env: { REDIS_URL: `redis://127.0.0.1:${name.port}` } });
  const [server] = instances.servers;
  if (server === undefined) throw new Error("expected an instance");
  await replicaOf(redis.url, 1);
  await waitFor(async () => (await server.readyStatus()) === 503, "/readyz to answer 503");

  const acceptedBefore = name.accepted;
  const sinceMs = performance.now();
  await waitFor(() => name.accepted >= acceptedBefore + 12, "twelve further attempts of the two links", 30_000);
  // Six attempts of one link: at once, then after at least 0.2, 0.4, 0.8, 1 and 1 s.
  expect(performance.now() - sinceMs).toBeGreaterThan(2_000);
  expect(await server.readyStatus()).toBe(503);

  await commandOf(redis.url, ["REPLICAOF", "NO", "ONE"]);
  await waitFor(async () => (await server.readyStatus()) === 200, "/readyz to answer 200");
  using socket = await connectStock(server.url);
  const room = uniqueRoom();
  await askData(socket, "room:join", { room });
  await askData(socket, "message:publish", { room, id: messageId(), event: "chat:message", data: { text: "back" } });
  expect(faultsOf(server)).toEqual([]);
});
