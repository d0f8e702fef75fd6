import { expect, test } from "vitest";
import { draftOf, openLog } from "../support/open-log.ts";
import { startRedis } from "../support/redis-server.ts";
import { uniqueRoom } from "../support/unique.ts";

async function positionOf(log: Awaited<ReturnType<typeof openLog>>["log"], room: string, text: string, id?: string) {
  const outcome = await log.append(room, draftOf(text, id === undefined ? {} : { id }));
  if (outcome === "out-of-order") throw new Error("expected it to be stored");
  return outcome;
}

test("a room that is cleared has no messages, and whoever reads on is told that they are gone", async () => {
  await using redis = await startRedis();
  using one = await openLog(redis.url);
  using other = await openLog(redis.url, { keyPrefix: one.keyPrefix });
  const room = uniqueRoom();
  const first = await positionOf(one.log, room, "first");
  const last = await positionOf(other.log, room, "last", "an-id-of-a-test");
  await one.log.clear(room);

  const page = await one.log.read(room, { limit: 10 });
  expect(page.messages).toEqual([]);
  for (const after of [first.position, last.position]) {
    expect(await other.log.read(room, { after, limit: 10 })).toMatchObject({ recovered: false, messages: [] });
  }
  // Who begins after it misses nothing.
  expect(await other.log.read(room, { after: page.position, limit: 10 })).toMatchObject({ recovered: true });
  const next = await positionOf(other.log, room, "next");
  expect(await one.log.read(room, { after: page.position, limit: 10 })).toMatchObject({
    recovered: true,
    messages: [{ position: next.position }],
  });
  // The instances that knew the messages have nothing more to report, and a repetition is still one.
  await one.log.check(room);
  await other.log.check(room);
  expect((await one.log.read(room, { limit: 10 })).messages).toHaveLength(1);
  expect(await positionOf(one.log, room, "last", "an-id-of-a-test")).toMatchObject({ duplicate: true });
});

test("clearing a room in which nothing was said leaves nothing behind", async () => {
  await using redis = await startRedis();
  using one = await openLog(redis.url);
  const room = uniqueRoom();
  await one.log.clear(room);
  expect(await one.log.read(room, { limit: 10 })).toMatchObject({ position: "0-0", recovered: true, messages: [] });
});
