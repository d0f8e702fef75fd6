import { afterAll, beforeAll, expect, test } from "vitest";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { connectStock, type StockSocket } from "../support/stock-client.ts";
import { sessionId, uniquePrefix } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

interface Build {
  readonly name: string;
  readonly drainSeconds?: number;
}

/** Instances of one deployment. */
function deployment() {
  const prefix = uniquePrefix();
  return ({ name, drainSeconds = 10 }: Build): Promise<ServerProcess> =>
    startServer({
      env: { REDIS_URL: redis.url, KEY_PREFIX: prefix, BUILD: name, DRAIN_SECONDS: String(drainSeconds) },
    });
}

function open(server: ServerProcess, session = sessionId()): Promise<StockSocket> {
  return connectStock(server.url, { session, socket: { reconnection: false } });
}

/** The refusal of a connection, or undefined where it was admitted. */
async function refusal(server: ServerProcess, session: string): Promise<unknown> {
  try {
    using _ = await open(server, session);
    return undefined;
  } catch (error) {
    return (error as { data?: unknown }).data;
  }
}

const sentOn = { code: "DRAINING", retryable: true, retryAfterMs: expect.any(Number), message: expect.any(String) };

/** A client of an instance that goes away from now on. `asked` settles when the client is asked to move. */
async function movingClient(server: ServerProcess) {
  const session = sessionId();
  const socket = await open(server, session);
  const asked = new Promise((resolve) => socket.once("connection:expiring", resolve));
  server.signal("SIGTERM");
  return { session, socket, asked: () => withTimeout(asked, "the client to be asked to move") };
}

const isSentOn = (server: ServerProcess, session: string) =>
  waitFor(async () => (await refusal(server, session)) !== undefined, "the old instance to send the client on");

test("a client that moves gets a place where it can stay, and is refused where it would have to move again", async () => {
  const start = deployment();
  await using leaving = await start({ name: "1" });
  await using old = await start({ name: "1" });
  await using fresh = await start({ name: "2" });
  const { session, socket } = await movingClient(leaving);
  using _ = socket;
  await isSentOn(old, session);
  expect(await refusal(old, session)).toEqual(sentOn);
  expect(await refusal(fresh, session)).toBeUndefined();
  // Who is new does not move.
  expect(await refusal(old, sessionId())).toBeUndefined();
});

test("where nothing names the build, a client moves where it likes first, and then to what started after that", async () => {
  const start = deployment();
  await using first = await start({ name: "" });
  await using second = await start({ name: "" });
  await using third = await start({ name: "" });
  const { session, socket, asked } = await movingClient(first);
  using _ = socket;
  await asked();
  expect(await refusal(third, session)).toBeUndefined();
  using _again = await open(second, session);
  await using fresh = await start({ name: "" });
  second.signal("SIGTERM");
  await isSentOn(third, session);
  expect(await refusal(fresh, session)).toBeUndefined();
});

test("a client takes any place before its old connection ends", async () => {
  const start = deployment();
  await using leaving = await start({ name: "1", drainSeconds: 2 });
  await using old = await start({ name: "1" });
  await using _fresh = await start({ name: "2" });
  const { session, socket } = await movingClient(leaving);
  await isSentOn(old, session);
  const ended = new Promise<string>((resolve) => socket.once("disconnect", () => resolve("ended")));
  const admitted = waitFor(async () => (await refusal(old, session)) === undefined, "a place on the old instance");
  expect(await Promise.race([admitted.then(() => "admitted"), ended])).toBe("admitted");
});

test("where the new instances are taken back, clients are no longer kept waiting for them", async () => {
  const start = deployment();
  await using leaving = await start({ name: "1", drainSeconds: 60 });
  await using old = await start({ name: "1" });
  const fresh = await start({ name: "2" });
  const { session, socket } = await movingClient(leaving);
  using _ = socket;
  await isSentOn(old, session);
  await fresh.stop();
  await waitFor(async () => (await refusal(old, session)) === undefined, "a place on the old instance");
  await leaving.kill();
});

test("a client whose old connection is gone gets a place at once: it has nothing to wait on", async () => {
  const start = deployment();
  await using leaving = await start({ name: "1", drainSeconds: 60 });
  await using old = await start({ name: "1" });
  await using _fresh = await start({ name: "2" });
  // A second client keeps the instance from ending.
  using _stays = await open(leaving);
  const { session, socket } = await movingClient(leaving);
  await isSentOn(old, session);
  socket.disconnect();
  await waitFor(async () => (await refusal(old, session)) === undefined, "a place on the old instance");
  await leaving.kill();
});

test("what is rolled back is a rollout of its own: its instances are none to move to, whenever they have started", async () => {
  const start = deployment();
  await using first = await start({ name: "1" });
  await using next = await start({ name: "2", drainSeconds: 60 });
  const { session, socket, asked } = await movingClient(first);
  await asked();
  using _moved = await open(next, session);
  socket.disconnect();
  await using late = await start({ name: "2" });
  await using back = await start({ name: "1" });
  next.signal("SIGTERM");
  await isSentOn(late, session);
  expect(await refusal(back, session)).toBeUndefined();
  await next.kill();
});
