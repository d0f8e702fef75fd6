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

test.concurrent("a draining server is unhealthy, admits no client, and still serves those that are connected", async () => {
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

test.concurrent("a repeated SIGTERM changes nothing: clients have their time, and the end is clean", async () => {
  await using server = await start(10);
  using socket = await busyClient(server);
  const notice = new Promise<void>((resolve) => socket.once("connection:expiring", () => resolve()));
  server.signal("SIGTERM");
  await waitFor(async () => (await server.healthStatus()) === 503, "the drain to begin");
  for (let repeat = 0; repeat < 3; repeat += 1) {
    server.signal("SIGTERM");
    // An answer is the fence: the process has had the signal by then.
    expect(await server.healthStatus()).toBe(503);
  }
  await withTimeout(notice, "the notice within the drain time");
  expect(server.ended).toBeUndefined();
  socket.disconnect();
  expect(await withTimeout(server.exit, "the process to end after its last client")).toEqual(clean);
});

test.concurrent("SIGINT ends the process like SIGTERM: clients have their time", async () => {
  await using server = await start(60);
  using socket = await busyClient(server);
  server.signal("SIGINT");
  await waitFor(async () => (await server.healthStatus()) === 503, "the drain to begin");
  // The log comes through a pipe of its own, and may be read after the answer that was sent behind it.
  await server.waitForLog(({ msg }) => `${msg}`.includes("second SIGINT"), "a second SIGINT ends at once");
  socket.disconnect();
  expect(await withTimeout(server.exit, "the process to end after its last client")).toEqual(clean);
});

test.concurrent("a second SIGINT ends the process at once, with the code of an interrupt", async () => {
  await using server = await start(60);
  using _socket = await busyClient(server);
  server.signal("SIGINT");
  await waitFor(async () => (await server.healthStatus()) === 503, "the drain to begin");
  server.signal("SIGINT");
  expect(await withTimeout(server.exit, "the process to end", 2_000)).toEqual({ code: 130, signal: null });
});

/** A connection of its own, on which requests are written by hand, piece by piece. */
async function byHand(server: ServerProcess) {
  const socket = connect(server.port, "127.0.0.1");
  let received = "";
  socket.setEncoding("utf8").on("data", (text) => {
    received += text;
  });
  socket.on("error", () => socket.destroy());
  await once(socket, "connect");
  return { socket, closed: once(socket, "close"), received: () => received };
}

/** A publish over HTTP in two pieces: the head with half of the body, and the rest. */
function publishInPieces(room: string): readonly [string, string] {
  const body = JSON.stringify({ id: messageId(), event: "chat:message", data: { text: "in flight" } });
  const head = `POST /rooms/${room}/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n`;
  const whole = `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
  return [whole.slice(0, -10), whole.slice(-10)];
}

test.concurrent("an HTTP publish that is under way at SIGTERM is answered before the process ends", async () => {
  await using server = await start(30);
  const { socket, closed, received } = await byHand(server);
  const [first, rest] = publishInPieces(uniqueRoom());
  socket.write(first);
  // The server answers others after it has read this one.
  await server.healthStatus();
  server.signal("SIGTERM");
  const listens = () => server.healthStatus().catch(() => undefined);
  await waitFor(async () => (await listens()) === undefined, "the server to listen no more");
  socket.write(rest);
  await withTimeout(closed, "the connection to close behind the answer");
  expect(received()).toMatch(/^HTTP\/1.1 201 .*"duplicate":false/s);
  expect(received()).toMatch(/^connection: close\r$/im);
  expect(await withTimeout(server.exit, "the process to end after its last request", 3_000)).toEqual(clean);
});

test.concurrent("an HTTP request that never ends is cut when the drain time is over", async () => {
  await using server = await start(2);
  const { socket, closed } = await byHand(server);
  socket.write(publishInPieces(uniqueRoom())[0]);
  await server.healthStatus();
  const tookMs = await stopMs(server);
  expect(tookMs).toBeGreaterThan(1_500);
  expect(tookMs).toBeLessThan(6_000);
  await withTimeout(closed, "the connection to be cut");
});

test.concurrent("while it drains it serves requests on connections that were kept, and closes each behind its answer", async () => {
  await using server = await start(60);
  using socket = await busyClient(server);
  const kept = await byHand(server);
  const [first, rest] = publishInPieces(uniqueRoom());
  kept.socket.write(first + rest);
  await waitFor(() => kept.received().includes('"duplicate":false'), "an answer that keeps the connection");
  expect(kept.received()).toMatch(/^connection: keep-alive\r$/im);
  server.signal("SIGTERM");
  await waitFor(async () => (await server.healthStatus()) === 503, "the drain to begin");
  kept.socket.write(publishInPieces(uniqueRoom()).join(""));
  await withTimeout(kept.closed, "the connection to close behind the answer");
  expect(kept.received().match(/"duplicate":false/g)).toHaveLength(2);
  expect(kept.received()).toMatch(/^connection: close\r$/im);
  socket.disconnect();
  expect(await withTimeout(server.exit, "the process to end")).toEqual(clean);
});

test.concurrent("SIGTERM while Redis is gone ends the process by itself", async () => {
  await using own = await startRedis();
  await using server = await start(1, own.url);
  using _socket = await busyClient(server);
  await own.kill();
  await waitFor(async () => (await server.readyStatus()) === 503, "/readyz to tell that Redis is away");
  expect(await stopMs(server)).toBeLessThan(6_000);
});

test.concurrent("SIGTERM while Redis is frozen ends the process by itself", async () => {
  await using own = await startRedis();
  await using server = await start(1, own.url);
  using _socket = await busyClient(server);
  own.freeze();
  expect(await stopMs(server)).toBeLessThan(6_000);
});
