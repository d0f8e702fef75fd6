import { createClient } from "redis";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { RequestName, RequestPayload } from "../../client/src/protocol/index.ts";
import { redisServerInstalled } from "../support/installed.ts";
import { faultsOf, type Instances, startInstances } from "../support/instances.ts";
import { testWithRedisServer as redisTest } from "../support/needs.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { ask, askData, type Collected, collect, connectStock, type StockSocket } from "../support/stock-client.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

// Two instances on one Redis, which is hurt in every way that it can be. Clients stay connected through all of it.

const failsWithinMs = 2_500;

let redis: RedisServer;
let instances: Instances;
let publisher: StockSocket;
let member: StockSocket;
let published: Collected<"message:published">;
let signals: Collected<"signal:sent">;
let positions: Collected<"room:position">[];
let connections: (string | undefined)[];
let room: string;

beforeAll(async () => {
  redis = await startRedis({ persist: redisServerInstalled });
  instances = await startInstances(2, { redis });
  [publisher, member] = await Promise.all([connectStock(instances.url(0)), connectStock(instances.url(1))]);
  published = collect(member, "message:published");
  signals = collect(member, "signal:sent");
  positions = [publisher, member].map((socket) => collect(socket, "room:position"));
  connections = [publisher.id, member.id];
});

beforeEach(async () => {
  room = uniqueRoom();
  for (const socket of [publisher, member]) await askData(socket, "room:join", { room });
  await publish("before");
  await delivered("before");
});

afterAll(async () => {
  const faults = instances.servers.flatMap(faultsOf);
  const ended = instances.servers.map((server) => server.ended);
  const after = [publisher.id, member.id];
  for (const socket of [publisher, member]) socket.disconnect();
  await instances[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
  expect(faults).toEqual([]);
  expect(ended).toEqual([undefined, undefined]);
  // The connections of all tests are the first ones.
  expect(after).toEqual(connections);
});

function messageOf(text: string): RequestPayload<"message:publish"> {
  return { room, id: messageId(), event: "chat:message", data: { text } };
}

const publish = (text: string) => askData(publisher, "message:publish", messageOf(text));

function textsOf(): string[] {
  return published.items
    .filter((item) => item.room === room)
    .flatMap(({ messages }) => messages.map(({ data }) => (data as { text: string }).text));
}

const delivered = (text: string) =>
  waitFor(() => textsOf().includes(text), `the message "${text}" on the other instance`);

/** Asks while Redis is away; the answer must come in time, and be UNAVAILABLE. */
async function refused<Name extends RequestName>(socket: StockSocket, event: Name, payload: RequestPayload<Name>) {
  const startedMs = performance.now();
  const answer = await ask(socket, event, payload);
  expect(performance.now() - startedMs, `${event} to fail in time`).toBeLessThan(failsWithinMs);
  expect(answer, event).toMatchObject({ ok: false, error: { code: "UNAVAILABLE", retryable: true } });
}

async function allRefused(message: RequestPayload<"message:publish">): Promise<void> {
  await Promise.all([
    refused(publisher, "message:publish", message),
    refused(publisher, "history:read", { room }),
    refused(publisher, "room:join", { room: uniqueRoom() }),
    refused(publisher, "signal:send", { room, event: "chat:cursor", data: { x: 1, y: 1 } }),
    refused(member, "room:join", { room, since: "1-1" }),
  ]);
}

const healthAnswers = (status: number) =>
  waitFor(
    async () =>
      (await Promise.all(instances.servers.map((server) => server.healthStatus()))).every((s) => s === status),
    `/healthz of both instances to answer ${status}`,
  );

/** Forgets the positions told so far, and gives back a wait for the next ones. */
function nextPositions(): () => Promise<unknown> {
  const counts = positions.map(({ items }) => items.length);
  return () =>
    Promise.all(
      positions.map(({ items }, index) =>
        waitFor(
          () => items.slice(counts[index]).find((item) => item.room === room),
          "room:position on each instance after the outage",
        ),
      ),
    );
}

/** Publishing, delivery to the other instance and signals, as on any other day. */
async function everythingWorks(): Promise<void> {
  const fence = `fence ${messageId()}`;
  await publish(fence);
  await delivered(fence);
  const before = signals.items.length;
  await askData(publisher, "signal:send", { room, event: "chat:typing", data: {} });
  await waitFor(() => signals.items.length > before, "a signal on the other instance");
}

/** A signal that was refused during the outage never arrives, not even late. */
function noLateSignal(): void {
  expect(signals.items.filter((item) => item.room === room && item.event === "chat:cursor")).toEqual([]);
}

async function openAdmin() {
  const admin = createClient({ url: redis.url });
  admin.on("error", () => undefined);
  await admin.connect();
  return admin;
}

async function asAdmin(work: (admin: Awaited<ReturnType<typeof openAdmin>>) => Promise<unknown>): Promise<void> {
  const admin = await openAdmin();
  try {
    await work(admin);
  } finally {
    admin.destroy();
  }
}

redisTest("Redis is killed and comes back with its data: nothing is lost, and repeats are stored once", async () => {
  const told = nextPositions();
  await redis.kill();
  const message = messageOf("during");
  await allRefused(message);
  await healthAnswers(503);
  await redis.restart({ keepData: true });
  await healthAnswers(200);
  await told();
  await askData(publisher, "message:publish", message);
  await askData(publisher, "message:publish", message);
  await everythingWorks();
  noLateSignal();
  const { messages } = await askData(member, "history:read", { room });
  expect(messages.map(({ data }) => (data as { text: string }).text)).toEqual([
    "before",
    "during",
    expect.stringContaining("fence"),
  ]);
});

test("Redis is killed and comes back empty: positions from before are unproven, and none is used again", async () => {
  const before = await publish("last");
  await delivered("last");
  const told = nextPositions();
  await redis.kill();
  await allRefused(messageOf("during"));
  await healthAnswers(503);
  await redis.restart({ keepData: false });
  await healthAnswers(200);
  await told();
  await everythingWorks();
  noLateSignal();
  const answer = await askData(member, "room:join", { room, since: before.position });
  expect(answer.recovered).toBe(false);
  expect(Number(answer.position.split("-")[0])).toBeGreaterThan(Number(before.position.split("-")[0]));
});

test("Redis is frozen for 5 s: requests fail in time, and what was acknowledged is there once", async () => {
  const told = nextPositions();
  redis.freeze();
  const frozenAtMs = performance.now();
  const messages = [messageOf("one"), messageOf("two"), messageOf("three")];
  await allRefused(messages[0] ?? messageOf("one"));
  for (const message of messages) await refused(publisher, "message:publish", message);
  await healthAnswers(503);
  await waitFor(() => performance.now() - frozenAtMs > 5_000, "5 s of silence");
  redis.thaw();
  await healthAnswers(200);
  await told();
  for (const message of messages) await askData(publisher, "message:publish", message);
  await everythingWorks();
  noLateSignal();
  const page = await askData(member, "history:read", { room });
  const texts = page.messages.map(({ data }) => (data as { text: string }).text);
  for (const text of ["one", "two", "three"]) expect(texts.filter((other) => other === text)).toHaveLength(1);
});

test("Redis is flushed under the feet of its users: a new epoch begins, and members are told", async () => {
  const before = await publish("last");
  await delivered("last");
  await asAdmin((admin) => admin.flushAll());
  const { position } = await publish("after");
  await delivered("after");
  expect(Number(position.split("-")[0])).toBeGreaterThan(Number(before.position.split("-")[0]));
  expect(await askData(member, "history:read", { room, after: before.position })).toMatchObject({ recovered: false });
  await everythingWorks();
});

test("Redis is full: publishing fails with UNAVAILABLE, reading and signals go on", async () => {
  await asAdmin((admin) => admin.configSet({ maxmemory: "1mb", "maxmemory-policy": "noeviction" }));
  const message = messageOf("when there is room");
  await refused(publisher, "message:publish", message);
  expect(await askData(member, "history:read", { room })).toMatchObject({ recovered: true });
  const another = uniqueRoom();
  await askData(member, "room:join", { room: another, history: 10 });
  await asAdmin((admin) => admin.configSet("maxmemory", "0"));
  await askData(publisher, "message:publish", message);
  await delivered("when there is room");
  await everythingWorks();
});

test("Redis becomes a replica of a dead host: the instances are away until it is a master again", async () => {
  const told = nextPositions();
  const message = messageOf("to the master");
  await asAdmin((admin) => admin.sendCommand(["REPLICAOF", "127.0.0.1", "1"]));
  await refused(publisher, "message:publish", message);
  await healthAnswers(503);
  await allRefused(message);
  await asAdmin((admin) => admin.sendCommand(["REPLICAOF", "NO", "ONE"]));
  await healthAnswers(200);
  await told();
  await askData(publisher, "message:publish", message);
  await delivered("to the master");
  await everythingWorks();
  noLateSignal();
});

test("the last member leaves while Redis stalls, and comes back before it goes on: the room is not deaf", async () => {
  const [, server] = instances.servers;
  if (server === undefined) throw new Error("expected two instances");
  const losses = () => server.logs.filter(({ msg }) => msg === "redis link lost").length;
  const before = losses();
  redis.freeze();
  await askData(member, "room:leave", { room });
  // Without an answer in time the end of the subscription is given up; Redis carries it out when it goes on.
  await waitFor(
    () =>
      losses() > before ||
      server.logs.some(({ msg, channel }) => msg === "subscription change failed" && String(channel).includes(room)),
    "the unsubscription to be given up",
  );
  const joined = ask(member, "room:join", { room });
  redis.thaw();
  await joined;
  await waitFor(async () => (await ask(member, "room:join", { room })).ok, "the room to be joined again");
  await waitFor(async () => (await ask(publisher, "message:publish", messageOf("on"))).ok, "a publish to be accepted");
  await publish("after the stall");
  await delivered("after the stall");
  await everythingWorks();
});

test("the script cache is lost: nobody notices", async () => {
  for (let round = 0; round < 5; round += 1) {
    await asAdmin((admin) => admin.scriptFlush());
    await publish(`round ${round}`);
    await delivered(`round ${round}`);
    expect((await askData(member, "history:read", { room })).messages).toHaveLength(round + 2);
  }
  await everythingWorks();
});

test.each(["holdfast-commands", "holdfast-subscriptions"])("Redis kills every %s link", async (name) => {
  const told = nextPositions();
  await asAdmin(async (admin) => {
    const links = (await admin.clientList()).filter((client) => client.name === name);
    expect(links).toHaveLength(2);
    for (const { id } of links) await admin.clientKill({ filter: "ID", id });
  });
  await healthAnswers(200);
  if (name === "holdfast-subscriptions") await told();
  await everythingWorks();
});

test("publishers that go on while Redis is silent cannot fill the memory", async () => {
  const [server] = instances.servers;
  if (server === undefined) throw new Error("expected an instance");
  const text = "x".repeat(4_000);
  const before = server.memoryBytes();
  redis.freeze();
  const codes = new Map<string, number>();
  let largest = before;
  for (let round = 0; round < 8; round += 1) {
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, () => ask(publisher, "message:publish", messageOf(text))),
    );
    for (const answer of answers) {
      const code = answer.ok ? "OK" : answer.error.code;
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    largest = Math.max(largest, server.memoryBytes());
  }
  redis.thaw();
  expect([...codes.keys()].filter((code) => code !== "UNAVAILABLE" && code !== "RATE_LIMITED")).toEqual([]);
  expect(largest - before).toBeLessThan(150 * 1024 * 1024);
  await healthAnswers(200);
  await waitFor(
    async () => (await ask(publisher, "message:publish", messageOf("back"))).ok,
    "publishing to work again",
  );
  await everythingWorks();
});

redisTest("a room that was left while Redis was away and is joined again afterwards gets everything once", async () => {
  await redis.kill();
  await waitFor(async () => (await ask(publisher, "message:publish", messageOf("away"))).ok === false, "an outage");
  await askData(member, "room:leave", { room });
  await redis.restart({ keepData: true });
  await waitFor(async () => (await ask(member, "room:join", { room })).ok, "the room to be joined again");
  await waitFor(async () => (await ask(publisher, "message:publish", messageOf("back"))).ok, "Redis to be back");
  const last = messageOf("fence");
  await askData(publisher, "message:publish", last);
  await delivered("fence");
  const ids = published.items
    .filter((batch) => batch.room === room)
    .flatMap(({ messages }) => messages.map(({ id }) => id));
  expect(new Set(ids).size).toBe(ids.length);
});
