import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { START } from "../../client/src/protocol/index.ts";
import { roomKeys } from "../../server/src/log/keys.ts";
import { type Admin, append, appendMany, kinds, type LogBackend, startBackend } from "../support/log-backend.ts";
import { draftOf, openLog } from "../support/open-log.ts";
import { messageId, uniquePrefix, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

// What a log knows of the ids of its messages: repeats, order, and how long each is remembered.

describe.each(kinds)("a log on %s", (kind) => {
  let redis: LogBackend;
  let admin: Admin;

  beforeAll(async () => {
    redis = await startBackend(kind);
    ({ admin } = redis);
  });
  afterAll(async () => {
    await redis[Symbol.asyncDispose]();
  });

  const redisSeconds = async () => Math.floor((await redis.nowMs()) / 1000);

  test("stores a repeated message once: in a batch, across batches and across instances", async () => {
    const keyPrefix = uniquePrefix();
    using one = await openLog(redis.url, { keyPrefix });
    using two = await openLog(redis.url, { keyPrefix });
    const room = uniqueRoom();
    const id = messageId();
    // The first append is under way at once; the three behind it make one batch.
    const [, ...batch] = await Promise.all([
      append(one.log, room, "opens the way"),
      append(one.log, room, "once", { id }),
      append(one.log, room, "again", { id }),
      append(one.log, room, "again", { id }),
    ]);
    const position = batch[0]?.position ?? START;
    expect(batch.map(({ duplicate }) => duplicate)).toEqual([false, true, true]);
    const later = [await append(one.log, room, "again", { id }), await append(two.log, room, "again", { id })];
    for (const outcome of [...batch.slice(1), ...later]) expect(outcome).toEqual({ position, duplicate: true });
    const page = await two.log.read(room, { after: START, limit: 10 });
    expect(page.messages.map(({ data }) => data)).toEqual([{ text: "opens the way" }, { text: "once" }]);
    // Another room knows nothing of it.
    expect((await append(one.log, uniqueRoom(), "once", { id })).duplicate).toBe(false);
  });

  test("remembers an id for as long as the setting says, and forgets it with its hash", async () => {
    using opened = await openLog(redis.url, { idRetentionSeconds: 1 });
    const { log, keyPrefix } = opened;
    const room = uniqueRoom();
    const id = messageId();
    const first = await append(log, room, "once", { id });
    const storedAt = await redisSeconds();
    const repeated = await append(log, room, "again", { id });
    expect(repeated).toEqual({ position: first.position, duplicate: true });
    // The hash of the id ends its turn, and then waits for as long again.
    await waitFor(async () => (await redisSeconds()) > storedAt + 1, "the turn of the id's hash to end");
    await append(log, room, "ends the turn");
    const turnedAt = await redisSeconds();
    await waitFor(async () => (await redisSeconds()) > turnedAt + 1, "the next turn to end");
    await append(log, room, "drops the hash");
    expect((await append(log, room, "anew", { id })).duplicate).toBe(false);
    const { ids0, ids1 } = roomKeys(keyPrefix, room);
    await waitFor(async () => (await admin.exists([ids0, ids1])) === 0, "the ids of a quiet room to expire");
  });

  test("remembers an id for as long as any of several instances with different settings asks for", async () => {
    const keyPrefix = uniquePrefix();
    using short = await openLog(redis.url, { keyPrefix, idRetentionSeconds: 1 });
    using long = await openLog(redis.url, { keyPrefix, idRetentionSeconds: 600 });
    const room = uniqueRoom();
    const id = messageId();
    const { position } = await append(long.log, room, "once", { id });
    expect(await append(short.log, room, "again", { id })).toEqual({ position, duplicate: true });
    const { ids0, ids1 } = roomKeys(keyPrefix, room);
    for (let turn = 1; turn <= 3; turn += 1) {
      // As if so many seconds had passed: the turn of the hash began earlier.
      for (const key of [ids0, ids1]) {
        if ((await admin.exists(key)) === 1) await admin.hIncrBy(key, "#", -100);
      }
      await append(short.log, room, `after ${turn * 100} s`);
      expect(await append(short.log, room, "again", { id })).toEqual({ position, duplicate: true });
      expect(await append(long.log, room, "again", { id })).toEqual({ position, duplicate: true });
    }
  });

  test("remembers an id where Redis' clock steps back, by a little or by a day", async () => {
    for (const backSeconds of [1, 30, 86_400]) {
      using opened = await openLog(redis.url, { idRetentionSeconds: 10 });
      const { log, keyPrefix } = opened;
      const room = uniqueRoom();
      const id = messageId();
      const { position } = await append(log, room, "once", { id });
      const { ids0, ids1 } = roomKeys(keyPrefix, room);
      for (let round = 0; round < 3; round += 1) {
        // The hash began in the future of the clock as it is now.
        for (const key of [ids0, ids1]) {
          if ((await admin.exists(key)) === 1) await admin.hIncrBy(key, "#", backSeconds);
        }
        expect(await append(log, room, "again", { id })).toEqual({ position, duplicate: true });
        await append(log, room, `other ${round}`);
      }
      expect(await append(log, room, "again", { id })).toEqual({ position, duplicate: true });
    }
  });

  test("knows the ids that an earlier version has stored, whatever its period", async () => {
    using opened = await openLog(redis.url);
    const { log, keyPrefix } = opened;
    const room = uniqueRoom();
    const [even, odd] = [messageId(), messageId()];
    const { ids0, ids1 } = roomKeys(keyPrefix, room);
    await admin.hSet(ids0, { "#": "14962424", [even]: "1-0" });
    await admin.hSet(ids1, { "#": "14962425", [odd]: "1-1" });
    for (let round = 0; round < 4; round += 1) {
      expect(await append(log, room, "again", { id: even })).toEqual({ position: "1-0", duplicate: true });
      expect(await append(log, room, "again", { id: odd })).toEqual({ position: "1-1", duplicate: true });
      await append(log, room, "other");
    }
  });

  test("stores nothing after the latest moment of Redis' own clock, however long the append was on its way", async () => {
    using opened = await openLog(redis.url);
    const { keyPrefix, log } = opened;
    const room = uniqueRoom();
    await append(log, room, "in time");
    const calls = await admin.sendCommand(["INFO", "commandstats"]);
    expect(String(calls)).toContain("evalsha");
    // Redis stands still with the append in its buffer for longer than an append may take.
    await admin.sendCommand(["CLIENT", "PAUSE", "11000", "WRITE"]);
    await expect(log.append(room, draftOf("late"))).rejects.toMatchObject({ code: "UNAVAILABLE" });
    await waitFor(
      async () => (await append(log, room, "later").catch(() => undefined)) !== undefined,
      "a publish",
      20_000,
    );
    const { messages } = await log.read(room, { after: START, limit: 10 });
    expect(messages.map(({ data }) => data)).not.toContainEqual({ text: "late" });
    expect(keyPrefix).not.toBe("");
  });

  test("remembers an id at a cost of at most 160 bytes", async () => {
    using opened = await openLog(redis.url);
    const room = uniqueRoom();
    const count = 5_000;
    await appendMany(opened.log, room, count);
    const { ids0, ids1 } = roomKeys(opened.keyPrefix, room);
    const sizes = await Promise.all([ids0, ids1].map((key) => admin.memoryUsage(key, { SAMPLES: 0 })));
    const bytes = sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
    expect(bytes / count).toBeLessThan(160);
  });

  test("keeps publishes in the order that `after` asks for", async () => {
    using opened = await openLog(redis.url);
    const { log } = opened;
    const room = uniqueRoom();
    const [a, b, c] = [messageId(), messageId(), messageId()];
    const orphans = await Promise.all([
      log.append(room, draftOf("b", { id: b, after: a })),
      log.append(room, draftOf("c", { id: c, after: b })),
    ]);
    expect(orphans).toEqual(["out-of-order", "out-of-order"]);
    expect((await log.read(room, { limit: 10 })).messages).toEqual([]);

    const stored = await Promise.all([
      append(log, room, "opens the way"),
      append(log, room, "a", { id: a }),
      append(log, room, "b", { id: b, after: a }),
      append(log, room, "c", { id: c, after: b }),
    ]);
    expect(stored.every(({ duplicate }) => !duplicate)).toBe(true);
    // Repeated with their predecessors, as after a lost acknowledgement, and continued.
    expect((await append(log, room, "b", { id: b, after: a })).duplicate).toBe(true);
    expect((await append(log, room, "d", { after: c })).duplicate).toBe(false);
    const page = await log.read(room, { after: START, limit: 10 });
    expect(page.messages.map(({ data }) => data)).toEqual(
      ["opens the way", "a", "b", "c", "d"].map((text) => ({ text })),
    );
  });

  test("an out-of-order message does not hold up the others of its batch", async () => {
    using opened = await openLog(redis.url);
    const room = uniqueRoom();
    const outcomes = await Promise.all([
      opened.log.append(room, draftOf("opens the way")),
      opened.log.append(room, draftOf("orphan", { after: messageId() })),
      opened.log.append(room, draftOf("fine")),
    ]);
    expect(outcomes.map((outcome) => outcome === "out-of-order")).toEqual([false, true, false]);
  });
});
