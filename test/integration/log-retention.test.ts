import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Position, START } from "../../client/src/protocol/index.ts";
import { roomKeys } from "../../server/src/log/keys.ts";
import {
  type Admin,
  append,
  appendMany,
  kinds,
  type LogBackend,
  last,
  plus,
  positionsOf,
  startBackend,
} from "../support/log-backend.ts";
import { openLog } from "../support/open-log.ts";
import { uniquePrefix, uniqueRoom } from "../support/unique.ts";

// What a log keeps, for how long, and what it answers about what it does not have.

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

  test("keeps about as many messages as the setting says, and does not claim continuity beyond the trimmed ones", async () => {
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

  test("does not begin a new epoch because a client claims a position that never existed", async () => {
    using opened = await openLog(redis.url);
    const room = uniqueRoom();
    const positions = await appendMany(opened.log, room, 3);
    expect(await opened.log.read(room, { after: plus(last(positions), 2), limit: 10 })).toMatchObject({
      recovered: false,
    });
    expect((await append(opened.log, room)).position).toBe(plus(last(positions), 1));
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
