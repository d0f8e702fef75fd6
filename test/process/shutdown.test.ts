import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { connectRaw } from "../support/raw-websocket.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { askData, collect, connectStock, type StockSocket } from "../support/stock-client.ts";
import { messageId, uniquePrefix, uniqueRoom } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

function start(drainSeconds: number, redisUrl = redis.url): Promise<ServerProcess> {
  return startServer({
    env: { REDIS_URL: redisUrl, KEY_PREFIX: uniquePrefix(), DRAIN_SECONDS: String(drainSeconds) },
  });
}

const clean = { code: 0, signal: null };

/** Milliseconds from SIGTERM to the end of the process. */
async function stopMs(server: ServerProcess): Promise<number> {
  const startedMs = performance.now();
  expect(await server.stop()).toEqual(clean);
  return performance.now() - startedMs;
}

async function busyClient(server: ServerProcess): Promise<StockSocket> {
  const socket = await connectStock(server.url, { socket: { reconnection: false } });
  const room = uniqueRoom();
  await askData(socket, "room:join", { room });
  await askData(socket, "message:publish", { room, id: messageId(), event: "chat:message", data: { text: "hi" } });
  return socket;
}

test.concurrent("SIGTERM without clients ends the process by itself, at once", async () => {
  await using server = await start(30);
  expect(await stopMs(server)).toBeLessThan(3_000);
  expect(server.logs.at(-1)).toMatchObject({ msg: "closed" });
});

test.concurrent("SIGTERM with connections that never sent a whole request ends the process by itself", async () => {
  await using server = await start(1);
  const silent = connect(server.port, "127.0.0.1");
  const halfway = connect(server.port, "127.0.0.1");
  for (const socket of [silent, halfway]) {
    socket.on("error", () => socket.destroy());
    await once(socket, "connect");
  }
  halfway.write("GET /healthz HTTP/1.1\r\nHost: ");
  await fetch(`${server.url}/healthz`);
  expect(await stopMs(server)).toBeLessThan(4_000);
  for (const socket of [silent, halfway]) socket.destroy();
});

test.concurrent("SIGTERM with a client that has fallen silent ends the process by itself", async () => {
  await using server = await start(1);
  const silent = connect(server.port, "127.0.0.1");
  await once(silent, "connect");
  const upgraded = once(silent, "data");
  silent.write(
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
  );
  await upgraded;
  // It neither reads nor answers from here on.
  silent.pause();
  silent.on("error", () => silent.destroy());
  expect(await stopMs(server)).toBeLessThan(4_000);
  silent.destroy();
});

test.concurrent("SIGTERM with clients that stay ends the process by itself after the drain time", async () => {
  await using server = await start(2);
  const sockets = [await busyClient(server), await busyClient(server)];
  using raw = await connectRaw(server.url);
  const keptAlive = await fetch(`${server.url}/healthz`);
  await keptAlive.arrayBuffer();
  const notices = sockets.map((socket) => collect(socket, "connection:expiring"));
  const gone = sockets.map((socket) => new Promise<string>((resolve) => socket.once("disconnect", resolve)));
  const tookMs = await stopMs(server);
  expect(tookMs).toBeGreaterThan(1_500);
  expect(tookMs).toBeLessThan(6_000);
  for (const { items } of notices) expect(items).toEqual([{ reason: "drain", deadlineMs: expect.any(Number) }]);
  // Not "io server disconnect", after which a stock client would stay away.
  for (const reason of await Promise.all(gone)) expect(reason).toMatch(/^transport/);
  await withTimeout(raw.closed, "the raw connection to close");
});

test.concurrent("SIGTERM ends the process as soon as the last client has moved", async () => {
  await using server = await start(30);
  using socket = await busyClient(server);
  socket.once("connection:expiring", () => socket.disconnect());
  const notice = new Promise<void>((resolve) => socket.once("connection:expiring", () => resolve()));
  server.signal("SIGTERM");
  await withTimeout(notice, "the notice within the drain time", 25_000);
  expect(await withTimeout(server.exit, "the process to end after its last client", 3_000)).toEqual(clean);
});

test.concurrent("while it drains it is unhealthy, admits nobody, and still serves who is there", async () => {
  await using server = await start(5);
  using socket = await busyClient(server);
  server.signal("SIGTERM");
  await waitFor(async () => (await server.healthStatus()) === 503, "/healthz to answer 503");
  await expect(connectStock(server.url)).rejects.toMatchObject({ data: { code: "DRAINING", retryable: true } });
  const room = uniqueRoom();
  const message = { room, id: messageId(), event: "chat:message", data: { text: "last words" } };
  expect(await askData(socket, "message:publish", message)).toMatchObject({ duplicate: false });
  socket.disconnect();
  expect(await withTimeout(server.exit, "the process to end")).toEqual(clean);
});

test.concurrent("a second SIGTERM ends the process at once, with a failure", async () => {
  await using server = await start(60);
  using _socket = await busyClient(server);
  server.signal("SIGTERM");
  await waitFor(async () => (await server.healthStatus()) === 503, "the drain to begin");
  server.signal("SIGTERM");
  expect(await withTimeout(server.exit, "the process to end", 2_000)).toEqual({ code: 1, signal: null });
  expect(server.output).toContain("a second signal arrived");
});

test.concurrent("SIGINT ends the process like SIGTERM", async () => {
  await using server = await start(30);
  server.signal("SIGINT");
  expect(await withTimeout(server.exit, "the process to end", 3_000)).toEqual(clean);
});

test.concurrent("SIGTERM while Redis is gone ends the process by itself", async () => {
  await using own = await startRedis();
  await using server = await start(1, own.url);
  using _socket = await busyClient(server);
  await own.kill();
  await waitFor(async () => (await server.healthStatus()) === 503, "/healthz to tell that Redis is away");
  expect(await stopMs(server)).toBeLessThan(6_000);
});

test.concurrent("SIGTERM while Redis is frozen ends the process by itself", async () => {
  await using own = await startRedis();
  await using server = await start(1, own.url);
  using _socket = await busyClient(server);
  own.freeze();
  expect(await stopMs(server)).toBeLessThan(6_000);
});
