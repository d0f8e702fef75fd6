import { expect, test } from "vitest";
import { testWithRedisServer as redisTest } from "../support/needs.ts";
import { OutageStage } from "../support/outage-stage.ts";
import { ask, askData } from "../support/stock-client.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

// Two instances on one Redis, which is hurt in every way that it can be. Clients stay connected through all of it.

const stage = new OutageStage();

redisTest("Redis is killed and comes back with its data: nothing is lost, and repeats are stored once", async () => {
  const told = stage.nextPositions();
  await stage.redis.kill();
  const message = stage.messageOf("during");
  await stage.allRefused(message);
  await stage.healthAnswers(503);
  await stage.redis.restart({ keepData: true });
  await stage.healthAnswers(200);
  await told();
  await askData(stage.publisher, "message:publish", message);
  await askData(stage.publisher, "message:publish", message);
  await stage.everythingWorks();
  stage.noLateSignal();
  const { messages } = await askData(stage.member, "history:read", { room: stage.room });
  expect(messages.map(({ data }) => (data as { text: string }).text)).toEqual([
    "before",
    "during",
    expect.stringContaining("fence"),
  ]);
});

test("Redis is killed and comes back empty: positions from before are unproven, and none is used again", async () => {
  const before = await stage.publish("last");
  await stage.delivered("last");
  const told = stage.nextPositions();
  await stage.redis.kill();
  await stage.allRefused(stage.messageOf("during"));
  await stage.healthAnswers(503);
  await stage.redis.restart({ keepData: false });
  await stage.healthAnswers(200);
  await told();
  await stage.everythingWorks();
  stage.noLateSignal();
  const answer = await askData(stage.member, "room:join", { room: stage.room, since: before.position });
  expect(answer.recovered).toBe(false);
  expect(Number(answer.position.split("-")[0])).toBeGreaterThan(Number(before.position.split("-")[0]));
});

test("Redis is frozen for 5 s: requests fail in time, and what was acknowledged is there once", async () => {
  const told = stage.nextPositions();
  stage.redis.freeze();
  const frozenAtMs = performance.now();
  const messages = [stage.messageOf("one"), stage.messageOf("two"), stage.messageOf("three")];
  await stage.allRefused(messages[0] ?? stage.messageOf("one"));
  for (const message of messages) await stage.refused(stage.publisher, "message:publish", message);
  await stage.healthAnswers(503);
  await waitFor(() => performance.now() - frozenAtMs > 5_000, "5 s of silence");
  stage.redis.thaw();
  await stage.healthAnswers(200);
  await told();
  for (const message of messages) await askData(stage.publisher, "message:publish", message);
  await stage.everythingWorks();
  stage.noLateSignal();
  const page = await askData(stage.member, "history:read", { room: stage.room });
  const texts = page.messages.map(({ data }) => (data as { text: string }).text);
  for (const text of ["one", "two", "three"]) expect(texts.filter((other) => other === text)).toHaveLength(1);
});

test("Redis is flushed while it is used: a new epoch begins, and members get the messages of it", async () => {
  const before = await stage.publish("last");
  await stage.delivered("last");
  await stage.asAdmin((admin) => admin.flushAll());
  const { position } = await stage.publish("after");
  await stage.delivered("after");
  expect(Number(position.split("-")[0])).toBeGreaterThan(Number(before.position.split("-")[0]));
  expect(await askData(stage.member, "history:read", { room: stage.room, after: before.position })).toMatchObject({
    recovered: false,
  });
  await stage.everythingWorks();
});

test("Redis is full: publishing fails with UNAVAILABLE, reading and signals go on", async () => {
  await stage.asAdmin((admin) => admin.configSet({ maxmemory: "1mb", "maxmemory-policy": "noeviction" }));
  const message = stage.messageOf("when there is room");
  await stage.refused(stage.publisher, "message:publish", message);
  expect(await askData(stage.member, "history:read", { room: stage.room })).toMatchObject({ recovered: true });
  const another = uniqueRoom();
  await askData(stage.member, "room:join", { room: another, history: 10 });
  await stage.asAdmin((admin) => admin.configSet("maxmemory", "0"));
  await askData(stage.publisher, "message:publish", message);
  await stage.delivered("when there is room");
  await stage.everythingWorks();
});

test("Redis becomes a replica of a dead host: the instances are away until it is a master again", async () => {
  const told = stage.nextPositions();
  const message = stage.messageOf("to the master");
  await stage.asAdmin((admin) => admin.sendCommand(["REPLICAOF", "127.0.0.1", "1"]));
  await stage.refused(stage.publisher, "message:publish", message);
  await stage.healthAnswers(503);
  await stage.allRefused(message);
  await stage.asAdmin((admin) => admin.sendCommand(["REPLICAOF", "NO", "ONE"]));
  await stage.healthAnswers(200);
  await told();
  await askData(stage.publisher, "message:publish", message);
  await stage.delivered("to the master");
  await stage.everythingWorks();
  stage.noLateSignal();
});

test("the last member leaves while Redis stalls, and comes back before it goes on: the room still gets messages", async () => {
  const [, server] = stage.instances.servers;
  if (server === undefined) throw new Error("expected two instances");
  const losses = () => server.logs.filter(({ msg }) => msg === "redis link lost").length;
  const before = losses();
  stage.redis.freeze();
  await askData(stage.member, "room:leave", { room: stage.room });
  // Without an answer in time the end of the subscription is given up; Redis carries it out when it goes on.
  await waitFor(
    () =>
      losses() > before ||
      server.logs.some(
        ({ msg, channel }) => msg === "subscription change failed" && String(channel).includes(stage.room),
      ),
    "the unsubscription to be given up",
  );
  const joined = ask(stage.member, "room:join", { room: stage.room });
  stage.redis.thaw();
  await joined;
  await waitFor(
    async () => (await ask(stage.member, "room:join", { room: stage.room })).ok,
    "the room to be joined again",
  );
  await waitFor(
    async () => (await ask(stage.publisher, "message:publish", stage.messageOf("on"))).ok,
    "a publish to be accepted",
  );
  await stage.publish("after the stall");
  await stage.delivered("after the stall");
  await stage.everythingWorks();
});

test("the script cache is lost: nobody notices", async () => {
  for (let round = 0; round < 5; round += 1) {
    await stage.asAdmin((admin) => admin.scriptFlush());
    await stage.publish(`round ${round}`);
    await stage.delivered(`round ${round}`);
    expect((await askData(stage.member, "history:read", { room: stage.room })).messages).toHaveLength(round + 2);
  }
  await stage.everythingWorks();
});

test.each(["holdfast-commands", "holdfast-subscriptions"])("Redis kills every %s link", async (name) => {
  const told = stage.nextPositions();
  await stage.asAdmin(async (admin) => {
    const links = (await admin.clientList()).filter((client) => client.name === name);
    expect(links).toHaveLength(2);
    for (const { id } of links) await admin.clientKill({ filter: "ID", id });
  });
  await stage.healthAnswers(200);
  if (name === "holdfast-subscriptions") await told();
  await stage.everythingWorks();
});

test("publishers that go on while Redis is silent cannot fill the memory", async () => {
  const [server] = stage.instances.servers;
  if (server === undefined) throw new Error("expected an instance");
  const text = "x".repeat(4_000);
  const before = server.memoryBytes();
  stage.redis.freeze();
  const codes = new Map<string, number>();
  let largest = before;
  for (let round = 0; round < 8; round += 1) {
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, () => ask(stage.publisher, "message:publish", stage.messageOf(text))),
    );
    for (const answer of answers) {
      const code = answer.ok ? "OK" : answer.error.code;
      codes.set(code, (codes.get(code) ?? 0) + 1);
    }
    largest = Math.max(largest, server.memoryBytes());
  }
  stage.redis.thaw();
  expect([...codes.keys()].filter((code) => code !== "UNAVAILABLE" && code !== "RATE_LIMITED")).toEqual([]);
  expect(largest - before).toBeLessThan(150 * 1024 * 1024);
  await stage.healthAnswers(200);
  await waitFor(
    async () => (await ask(stage.publisher, "message:publish", stage.messageOf("back"))).ok,
    "publishing to work again",
  );
  await stage.everythingWorks();
});

redisTest("a room that was left while Redis was away and is joined again afterwards gets everything once", async () => {
  await stage.redis.kill();
  await waitFor(
    async () => (await ask(stage.publisher, "message:publish", stage.messageOf("away"))).ok === false,
    "an outage",
  );
  await askData(stage.member, "room:leave", { room: stage.room });
  await stage.redis.restart({ keepData: true });
  await waitFor(
    async () => (await ask(stage.member, "room:join", { room: stage.room })).ok,
    "the room to be joined again",
  );
  await waitFor(
    async () => (await ask(stage.publisher, "message:publish", stage.messageOf("back"))).ok,
    "Redis to be back",
  );
  const last = stage.messageOf("fence");
  await askData(stage.publisher, "message:publish", last);
  await stage.delivered("fence");
  const ids = stage.published.items
    .filter((batch) => batch.room === stage.room)
    .flatMap(({ messages }) => messages.map(({ id }) => id));
  expect(new Set(ids).size).toBe(ids.length);
});
