import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { limits } from "../../client/src/protocol/limits.ts";
import { connectRaw, RawClient } from "../support/raw-websocket.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { askData, connectStock } from "../support/stock-client.ts";
import { messageId, uniquePrefix, uniqueRoom } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

// Servers that sleep for longer than a client waits for an answer, as real processes that are stopped (SIGSTOP).

const sleepMs = limits.acknowledgementTimeoutMs + 500;

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

function start(env: Record<string, string> = {}): Promise<ServerProcess> {
  return startServer({ env: { REDIS_URL: redis.url, ...env } });
}

/** Stops the process for so long, while something happens. */
async function asleep(server: ServerProcess, ms: number, meanwhile: () => Promise<unknown>): Promise<void> {
  server.freeze();
  const frozenAtMs = performance.now();
  await meanwhile();
  await waitFor(() => performance.now() - frozenAtMs > ms, `a sleep of ${ms} ms`, ms + 5_000);
  server.thaw();
}

const messageOf = (room: string, text: string) => ({ room, id: messageId(), event: "chat:message", data: { text } });

async function publish(client: RawClient, room: string, text: string): Promise<void> {
  expect(await client.request("message:publish", messageOf(room, text))).toMatchObject({ ok: true });
}

async function textsOf(server: ServerProcess, room: string): Promise<string[]> {
  using reader = await connectStock(server.url);
  const { messages } = await askData(reader, "history:read", { room });
  return messages.map(({ data }) => (data as { text: string }).text);
}

test.concurrent("a publish that lay in the buffer of a server that slept is not stored, and its connection is cut", async () => {
  const env = { KEY_PREFIX: uniquePrefix() };
  await using sleeper = await start(env);
  await using other = await start(env);
  const room = uniqueRoom();
  using client = await connectRaw(sleeper.url);
  await publish(client, room, "before");
  const strangers: RawClient[] = [];
  await asleep(sleeper, sleepMs, async () => {
    client.emit("message:publish", messageOf(room, "old"));
    // Its sender comes back through the other instance and goes on; a stranger comes to the one that sleeps.
    using again = await connectRaw(other.url);
    for (const text of ["one", "two"]) await publish(again, room, text);
    strangers.push(new RawClient(sleeper.url, {}));
  });
  for (const stranger of strangers) {
    await withTimeout(stranger.connected, "the stranger to be let in");
    await publish(stranger, room, "from who came during the sleep");
  }
  using late = await connectRaw(sleeper.url);
  await publish(late, room, "from who came after it");
  expect(await textsOf(other, room)).toEqual([
    "before",
    "one",
    "two",
    "from who came during the sleep",
    "from who came after it",
  ]);
  await withTimeout(client.closed, "the connection from before the sleep to be cut");
  expect(strangers.map(({ isOpen }) => isOpen)).toEqual([true]);
  for (const stranger of strangers) stranger.close();
  // A busy machine may make the process wait for a processor before, which counts as a sleep of its own.
  const isThisSleep = (line: { readonly sleptMs?: unknown }) => Number(line.sleptMs) >= sleepMs;
  expect(await sleeper.waitForLog(isThisSleep, "the sleep")).toMatchObject({ connections: 1 });
});

test.concurrent("a server that slept for less than a client's time-out serves what arrived meanwhile, and cuts no connection", async () => {
  await using server = await start({ KEY_PREFIX: uniquePrefix() });
  const room = uniqueRoom();
  using client = await connectRaw(server.url);
  await publish(client, room, "before");
  await asleep(server, 3_000, async () => client.emit("message:publish", messageOf(room, "meanwhile")));
  await publish(client, room, "after");
  expect(await textsOf(server, room)).toEqual(["before", "meanwhile", "after"]);
});

/** Sends a publish over HTTP to a server that sleeps, on a connection from before; gives back the whole answer. */
async function publishIntoSleep(server: ServerProcess, room: string): Promise<string> {
  const { room: _, ...message } = messageOf(room, "old");
  const body = JSON.stringify(message);
  const head = [
    `POST /rooms/${room}/messages HTTP/1.1`,
    "Host: a",
    "Connection: close",
    `Authorization: Bearer ${adminToken}`,
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
  ];
  const socket = connect(server.port, "127.0.0.1");
  let answer = "";
  socket.setEncoding("utf8").on("data", (text) => {
    answer += text;
  });
  await once(socket, "connect");
  // Answers to a second request tell that the server has accepted the first connection.
  await server.healthStatus();
  await asleep(server, sleepMs, async () => socket.write(`${head.join("\r\n")}\r\n\r\n${body}`));
  await once(socket, "close");
  return answer;
}

const adminToken = "admin-token-of-the-sleep-tests";

test.concurrent("an HTTP publish that lay in the buffer of a server that slept is refused, and a moment later served", async () => {
  await using server = await start({ KEY_PREFIX: uniquePrefix(), ADMIN_TOKEN: adminToken });
  const room = uniqueRoom();
  const answer = await publishIntoSleep(server, room);
  expect(answer).toMatch(/^HTTP\/1.1 503 /);
  const { error } = JSON.parse(answer.slice(answer.indexOf("{"), answer.lastIndexOf("}") + 1));
  expect(error).toMatchObject({ code: "UNAVAILABLE", retryable: true, retryAfterMs: expect.any(Number) });
  expect(answer).toMatch(/^retry-after: 1\r$/im);
  const again = async () => {
    const { room: _, ...message } = messageOf(room, "again");
    const response = await fetch(`${server.url}/rooms/${room}/messages`, {
      method: "POST",
      headers: { Authorization: `Bearer ${adminToken}`, "Content-Type": "application/json" },
      body: JSON.stringify(message),
    });
    return response.status === 201;
  };
  await waitFor(again, "the server to take publishes again", 3_000);
  expect(await textsOf(server, room)).toEqual(["again"]);
});

test.concurrent("on Function Compute, where a request thaws the instance, that request is served", async () => {
  const platform = { FC_FUNCTION_NAME: "holdfast", AUTH: "anonymous", ALLOWED_ORIGINS: "*", ADMIN_TOKEN: adminToken };
  await using server = await start({ KEY_PREFIX: uniquePrefix(), ...platform });
  expect(await publishIntoSleep(server, uniqueRoom())).toMatch(/^HTTP\/1.1 201 /);
});
