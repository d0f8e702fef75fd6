import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { limits, type Position, START, splitPosition } from "../../client/src/protocol/index.ts";
import { roomKeys } from "../../server/src/log/keys.ts";
import {
  type Admin,
  append,
  appendMany,
  kinds,
  type LogBackend,
  last,
  openAdmin,
  positionsOf,
  startBackend,
} from "../support/log-backend.ts";
import { openLog } from "../support/open-log.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

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

  test("numbers messages consecutively from 0 within an epoch, in one batch and across batches", async () => {
    using opened = await openLog(redis.url);
    const { log } = opened;
    const room = uniqueRoom();
    const beforeMs = await redis.nowMs();
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

  test("has nothing before its beginning", async () => {
    using opened = await openLog(redis.url);
    const room = uniqueRoom();
    await appendMany(opened.log, room, 3);
    const nothing = { recovered: true, messages: [], complete: true };
    expect(await opened.log.read(room, { before: START, limit: 10 })).toMatchObject(nothing);
    expect(await opened.log.read(room, { after: START, before: START, limit: 10 })).toMatchObject(nothing);
  });
});
