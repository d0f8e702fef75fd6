import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limits, type Page, type Position, START, splitPosition } from "../../client/src/protocol/index.ts";
import { roomKeys } from "../../server/src/log/keys.ts";
import type { RoomLog } from "../../server/src/log/room-log.ts";
import { startEmbeddedValkey } from "../../server/src/redis/embedded.ts";
import { redisServerInstalled } from "../support/installed.ts";
import { startRedis } from "../support/redis-server.ts";
import { messageId, uniquePrefix, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { draftOf, openLog } from "./open-log.ts";

const kinds = redisServerInstalled ? ["redis", "valkey"] : ["valkey"];

/** A redis-server process, or the Valkey that the server embeds. */
async function startBackend(kind: string) {
  if (kind === "redis") {
    const redis = await startRedis({ kind: "redis" });
    return { url: redis.url, stop: () => redis[Symbol.asyncDispose]() };
  }
  return startEmbeddedValkey();
}

async function append(log: RoomLog, room: string, text = "hi", ids: { id?: string; after?: string } = {}) {
  const outcome = await log.append(room, draftOf(text, ids));
  if (outcome === "out-of-order") throw new Error("expected a stored message, got out-of-order");
  return { ...outcome, position: outcome.position as Position };
}

/** Appends one after the other; gives back their positions. */
async function appendMany(log: RoomLog, room: string, count: number, text = "hi"): Promise<Position[]> {
  const outcomes = await Promise.all(
    Array.from({ length: count }, (_, index) => append(log, room, `${text} ${index}`)),
  );
  return outcomes.map(({ position }) => position);
}

const positionsOf = ({ messages }: Page) => messages.map(({ position }) => position);
const plus = (position: Position, count: number): Position => {
  const { epochMs, seq } = splitPosition(position);
  return `${epochMs}-${seq + count}`;
};
const last = (positions: readonly Position[]) => positions.at(-1) ?? START;

describe.each(kinds)("a log on %s", (kind) => {
  let redis: Awaited<ReturnType<typeof startBackend>>;
  let admin: Awaited<ReturnType<typeof openAdmin>>;

  async function openAdmin(url: string) {
    const client = createClient({ url, RESP: 3 });
    client.on("error", () => undefined);
    await client.connect();
    return client;
  }

  beforeAll(async () => {
    redis = await startBackend(kind);
    admin = await openAdmin(redis.url);
  });
  afterAll(async () => {
    admin.destroy();
    await redis.stop();
  });

  async function redisNowMs(): Promise<number> {
    const [seconds, microseconds] = await admin.time();
    return Number(seconds) * 1000 + Math.floor(Number(microseconds) / 1000);
  }

  const redisSeconds = async () => Math.floor((await redisNowMs()) / 1000);

  test("numbers messages consecutively from 0 within an epoch, in one batch and across batches", async () => {
    using opened = await openLog(redis.url);
    const { log } = opened;
    const room = uniqueRoom();
    const beforeMs = await redisNowMs();
    const positions = await appendMany(log, room, 300);
    for (let index = 0; index < 5; index += 1) positions.push((await append(log, room)).position);
    const { epochMs } = splitPosition(positions[0] ?? START);
    expect(epochMs).toBeGreaterThanOrEqual(beforeMs);
    expect(positions).toEqual(Array.from({ length: 305 }, (_, seq) => `${epochMs}-${seq}`));
    const page = await log.read(room, { after: START, limit: limits.pageMessages });
    expect(page).toMatchObject({ recovered: true, complete: true, position: last(positions) });
    expect(positionsOf(page)).toEqual(positions);
    expect(page.messages.slice(0, 2).map(({ data }) => data)).toEqual([{ text: "hi 0" }, { text: "hi 1" }]);
  });

  test("sends exactly what it stores, in one frame for each batch", async () => {
    using opened = await openLog(redis.url);
    const { log, keyPrefix } = opened;
    const room = uniqueRoom();
    const subscriber = await openAdmin(redis.url);
    try {
      const frames: { head: string; data: { packet: { data: [string, { room: string; messages: unknown[] }] } } }[] =
        [];
      await subscriber.sSubscribe(roomKeys(keyPrefix, room).channel, (text) => void frames.push(JSON.parse(text)));
      const repeated = messageId();
      await append(log, room, "first", { id: repeated });
      await append(log, room, "not sent again", { id: repeated });
      await appendMany(log, room, 50, 'quotes " and \\ and \u{1f600}');
      await append(log, room, "fence");
      await waitFor(() => JSON.stringify(frames.at(-1))?.includes("fence"), "the fence message");
      const page = await log.read(room, { limit: limits.pageMessages });
      expect(frames.flatMap(({ data }) => data.packet.data[1].messages)).toEqual(page.messages);
      expect(frames.map(({ head }) => head)).toEqual(
        frames.map(({ data }) => (data.packet.data[1].messages.at(-1) as { position: string }).position),
      );
      // The first of the fifty goes alone, the others wait for it and share a frame.
      expect(frames).toHaveLength(4);
    } finally {
      subscriber.destroy();
    }
  });

  test("answers for a room in which nothing was said yet", async () => {
    using opened = await openLog(redis.url);
    const room = uniqueRoom();
    const empty = { position: START, recovered: true, messages: [], complete: true };
    for (const request of [{ limit: 0 }, { limit: 10 }, { after: START, limit: 10 }]) {
      expect(await opened.log.read(room, request)).toEqual(empty);
    }
    expect(await opened.log.check(room)).toBe(START);
    expect(await admin.keys(`${opened.keyPrefix}*`)).toEqual([]);
  });

  test("reads on from any retained position", async () => {
    using opened = await openLog(redis.url);
    const room = uniqueRoom();
    const positions = await appendMany(opened.log, room, 20);
    for (const [index, after] of [START, ...positions].entries()) {
      const page = await opened.log.read(room, { after, limit: 100 });
      expect(page).toMatchObject({ recovered: true, complete: true, position: last(positions) });
      expect(positionsOf(page)).toEqual(positions.slice(index));
    }
  });

  test("pages forward, backward and between two positions", async () => {
    using opened = await openLog(redis.url);
    const { log } = opened;
    const room = uniqueRoom();
    const positions = await appendMany(log, room, 25);
    const at = (index: number) => positions[index] ?? START;

    const forward = await log.read(room, { after: at(4), limit: 10 });
    expect(forward).toMatchObject({ recovered: true, complete: false });
    expect(positionsOf(forward)).toEqual(positions.slice(5, 15));
    const rest = await log.read(room, { after: at(14), limit: 10 });
    expect(rest).toMatchObject({ recovered: true, complete: true });
    expect(positionsOf(rest)).toEqual(positions.slice(15));

    const backward = await log.read(room, { before: at(12), limit: 10 });
    expect(backward).toMatchObject({ recovered: true, complete: false });
    expect(positionsOf(backward)).toEqual(positions.slice(2, 12));
    const beginning = await log.read(room, { before: at(2), limit: 10 });
    expect(beginning).toMatchObject({ recovered: true, complete: true });
    expect(positionsOf(beginning)).toEqual(positions.slice(0, 2));

    const between = await log.read(room, { after: at(4), before: at(8), limit: 10 });
    expect(between).toMatchObject({ recovered: true, complete: true });
    expect(positionsOf(between)).toEqual(positions.slice(5, 8));
    for (const before of [at(5), at(4), at(0)]) {
      const nothing = await log.read(room, { after: at(4), before, limit: 10 });
      expect(nothing).toMatchObject({ recovered: true, complete: true, messages: [] });
    }

    const newest = await log.read(room, { limit: 3 });
    expect(newest).toMatchObject({ recovered: true, complete: true, position: at(24) });
    expect(positionsOf(newest)).toEqual(positions.slice(-3));
    expect(await log.read(room, { limit: 0 })).toMatchObject({ position: at(24), messages: [] });
  });

  test("bounds a page in bytes, and leads through all of them", async () => {
    using opened = await openLog(redis.url);
    const { log } = opened;
    const room = uniqueRoom();
    const positions = await appendMany(log, room, 20, "x".repeat(60_000));
    const read: Position[] = [];
    let pages = 0;
    for (let after: Position = START, complete = false; !complete; after = last(read), pages += 1) {
      const page = await log.read(room, { after, limit: limits.pageMessages });
      expect(page.recovered).toBe(true);
      expect(JSON.stringify(page.messages).length).toBeLessThanOrEqual(limits.pageBytes);
      read.push(...positionsOf(page));
      ({ complete } = page);
    }
    expect(read).toEqual(positions);
    expect(pages).toBe(3);
    const backward = await log.read(room, { limit: limits.pageMessages });
    expect(positionsOf(backward)).toEqual(positions.slice(-8));
  });

  test("gives a message that is larger than a page all the same", async () => {
    using opened = await openLog(redis.url);
    const room = uniqueRoom();
    const { position } = await append(opened.log, room, "x".repeat(limits.pageBytes + 1));
    await append(opened.log, room);
    const page = await opened.log.read(room, { after: START, limit: 10 });
    expect(positionsOf(page)).toEqual([position]);
    expect(page).toMatchObject({ recovered: true, complete: false });
  });

  test("keeps about as many messages as it was told, and says where they were trimmed", async () => {
    using opened = await openLog(redis.url, { historyMaxMessages: 150 });
    const { log, keyPrefix } = opened;
    const room = uniqueRoom();
    const positions = await appendMany(log, room, 1000);
    const kept = await admin.xLen(roomKeys(keyPrefix, room).log);
    expect(kept).toBeGreaterThanOrEqual(150);
    expect(kept).toBeLessThan(300);
    const retained = positions.slice(-kept);
    const beforeRetained = positions.at(-kept - 1) ?? START;

    const proven = await log.read(room, { after: beforeRetained, limit: 500 });
    expect(proven).toMatchObject({ recovered: true, complete: true });
    expect(positionsOf(proven)).toEqual(retained);
    for (const after of [START, positions[0] ?? START, plus(beforeRetained, -1)]) {
      const lost = await log.read(room, { after, limit: 500 });
      expect(lost).toMatchObject({ recovered: false, complete: true, position: last(positions) });
      expect(positionsOf(lost)).toEqual(retained);
    }
    const oldest = await log.read(room, { after: START, limit: 10 });
    expect(oldest).toMatchObject({ recovered: false, complete: false });
    expect(positionsOf(oldest)).toEqual(retained.slice(0, 10));
  });

  test("cannot prove continuity from an epoch that it does not know", async () => {
    using opened = await openLog(redis.url);
    const room = uniqueRoom();
    const positions = await appendMany(opened.log, room, 3);
    for (const after of [
      "1-0",
      "1-7",
      plus(positions[0] ?? START, 0).replace(/^\d+/, (ms) => String(Number(ms) - 1)),
    ]) {
      const page = await opened.log.read(room, { after: after as Position, limit: 10 });
      expect(page).toMatchObject({ recovered: false, complete: true });
      expect(positionsOf(page)).toEqual(positions);
    }
    // Older than the log is no sign of lost writes: the epoch goes on.
    expect((await append(opened.log, room)).position).toBe(plus(last(positions), 1));
  });

  test("is not led into a new epoch by whoever claims a position that never was", async () => {
    using opened = await openLog(redis.url);
    const room = uniqueRoom();
    const positions = await appendMany(opened.log, room, 3);
    expect(await opened.log.read(room, { after: plus(last(positions), 2), limit: 10 })).toMatchObject({
      recovered: false,
    });
    expect((await append(opened.log, room)).position).toBe(plus(last(positions), 1));
  });

  test("has nothing before its beginning", async () => {
    using opened = await openLog(redis.url);
    const room = uniqueRoom();
    await appendMany(opened.log, room, 3);
    const nothing = { recovered: true, messages: [], complete: true };
    expect(await opened.log.read(room, { before: START, limit: 10 })).toMatchObject(nothing);
    expect(await opened.log.read(room, { after: START, before: START, limit: 10 })).toMatchObject(nothing);
  });

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

  test("remembers an id for as long as it was told, and forgets it with its hash", async () => {
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

  test("expires when nobody uses it; appends and checks for members renew that, reads do not", async () => {
    using opened = await openLog(redis.url, { historyTtlSeconds: 600 });
    const { log, known, keyPrefix } = opened;
    const room = uniqueRoom();
    const { log: key } = roomKeys(keyPrefix, room);
    await append(log, room);
    expect(await admin.ttl(key)).toBeGreaterThan(590);
    await admin.expire(key, 30);
    await log.read(room, { limit: 10 });
    expect(await admin.ttl(key)).toBeLessThanOrEqual(30);
    await log.check(room);
    expect(await admin.ttl(key)).toBeLessThanOrEqual(30);
    known.enter(room, START);
    await log.check(room);
    expect(await admin.ttl(key)).toBeGreaterThan(590);
    await admin.expire(key, 30);
    await append(log, room);
    expect(await admin.ttl(key)).toBeGreaterThan(590);
    for (const name of await admin.keys(`${keyPrefix}*`)) expect(await admin.ttl(name), name).toBeGreaterThan(0);
  });

  test("is kept for as long as the longest setting of several instances asks for", async () => {
    const keyPrefix = uniquePrefix();
    using long = await openLog(redis.url, { keyPrefix, historyTtlSeconds: 600 });
    using short = await openLog(redis.url, { keyPrefix, historyTtlSeconds: 20 });
    const room = uniqueRoom();
    const { log: key, life } = roomKeys(keyPrefix, room);
    await append(long.log, room);
    await append(short.log, room);
    short.known.enter(room, START);
    await short.log.check(room);
    for (const name of [key, life]) expect(await admin.ttl(name), name).toBeGreaterThan(590);
  });

  test("works on when the script cache is lost in the middle", async () => {
    using opened = await openLog(redis.url);
    const { log } = opened;
    const room = uniqueRoom();
    await log.warmUp();
    const positions: Position[] = [];
    for (let round = 0; round < 10; round += 1) {
      const appends = appendMany(log, room, 5);
      if (round % 3 === 1) await admin.scriptFlush();
      positions.push(...(await appends));
      await admin.scriptFlush();
      expect((await log.read(room, { after: START, limit: 500 })).messages).toHaveLength(5 * (round + 1));
    }
    const page = await log.read(room, { after: START, limit: 500 });
    expect(positionsOf(page)).toEqual(positions);
  });
});
