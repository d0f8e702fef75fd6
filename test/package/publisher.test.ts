import { fileURLToPath } from "node:url";
import { connect } from "@holdfast/client";
import { createServer, RequestError } from "@holdfast/server";
import { createPublisher, SettingsError } from "@holdfast/server/publisher";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ManagedProcess } from "../support/managed-process.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { messageId, uniquePrefix, uniqueRoom } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";
import { auction } from "./auction.ts";

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => redis[Symbol.asyncDispose]());

/** A publisher, a server with the same settings, and a member who has joined a room there. */
async function open(more: { readonly historyMaxMessages?: number } = {}) {
  const settings = { redisUrl: redis.url, keyPrefix: uniquePrefix(), port: 0, drainSeconds: 0, ...more };
  const server = await createServer({ contract: auction }, { settings });
  const publisher = createPublisher({ contract: auction, settings });
  const client = connect<typeof auction>(server.url);
  const room = client.join(uniqueRoom("lot"));
  const told: unknown[] = [];
  room.on("message", ({ event, data, from }) => told.push([event, data, from.user]));
  room.on("bid:raised-hand", (data, { from }) => told.push(["bid:raised-hand", data, from.user]));
  await room.ready;
  return {
    server,
    publisher,
    room,
    told,
    async [Symbol.asyncDispose]() {
      await publisher.close();
      await client.close();
      await server.close();
    },
  };
}

test("what a publisher publishes reaches a member once and in the order of the calls", async () => {
  await using rig = await open();
  const amounts = Array.from({ length: 200 }, (_, index) => index + 1);
  const outcomes = await Promise.all(
    amounts.map((amount) => rig.publisher.publish(rig.room.name, "bid:placed", { amount }, { user: "ann" })),
  );
  await waitFor(() => rig.told.length >= amounts.length, "the member to have all bids");
  await rig.publisher.publish(rig.room.name, "lot:sold", { to: "ann" });
  await waitFor(() => rig.told.length > amounts.length, "the member to have the last message");
  expect(rig.told).toEqual([
    ...amounts.map((amount) => ["bid:placed", { amount }, "ann"]),
    ["lot:sold", { to: "ann" }, null],
  ]);
  expect(outcomes.every(({ duplicate }) => !duplicate)).toBe(true);
});

test("a repeated id is a duplicate, whether the publisher or a server stored it first", async () => {
  await using rig = await open();
  const { publisher, server, room } = rig;
  const id = messageId();
  const first = await publisher.publish(room.name, "bid:placed", { amount: 1 }, { id });
  expect(first.duplicate).toBe(false);
  expect(await publisher.publish(room.name, "bid:placed", { amount: 1 }, { id })).toEqual({
    ...first,
    duplicate: true,
  });
  expect(await server.publish(room.name, "bid:placed", { amount: 1 }, { id })).toEqual({ ...first, duplicate: true });
  await publisher.publish(room.name, "lot:sold", { to: "bob" });
  await waitFor(() => rig.told.length >= 2, "the member to have both messages");
  expect(rig.told).toEqual([
    ["bid:placed", { amount: 1 }, null],
    ["lot:sold", { to: "bob" }, null],
  ]);
});

test("a publisher trims a room as the servers with the same settings do", async () => {
  await using rig = await open({ historyMaxMessages: 5 });
  const { publisher, server } = rig;
  // Redis trims by whole nodes of its streams, so that a few more than the maximum may be left.
  for (let amount = 1; amount <= 300; amount += 1) {
    await publisher.publish("by-publisher", "bid:placed", { amount });
    await server.publish("by-server", "bid:placed", { amount });
  }
  const left = async (room: string) => (await publisher.history(room, { limit: 500 })).messages.map(({ data }) => data);
  const kept = await left("by-publisher");
  expect(kept.length).toBeLessThan(300);
  expect(kept).toEqual(await left("by-server"));
});

test("a publisher's signal reaches the members, and its history is the room's", async () => {
  await using rig = await open();
  const { publisher, server, room } = rig;
  await publisher.signal(room.name, "bid:raised-hand", { seat: 7 });
  await waitFor(() => rig.told.length > 0, "the member to have the signal");
  expect(rig.told).toEqual([["bid:raised-hand", { seat: 7 }, null]]);
  const { position } = await publisher.publish(room.name, "bid:placed", { amount: 3 });
  const page = await publisher.history(room.name, { limit: 10 });
  expect(page.position).toBe(position);
  expect(page).toEqual(await server.history(room.name, { limit: 10 }));
});

test("a payload that the contract does not allow is refused with INVALID_PAYLOAD, and stored nowhere", async () => {
  await using rig = await open();
  const refused = rig.publisher.publish(rig.room.name, "bid:placed", { amount: -1 });
  await expect(refused).rejects.toThrow(RequestError);
  await expect(refused).rejects.toMatchObject({ code: "INVALID_PAYLOAD", message: expect.stringContaining("amount") });
  // @ts-expect-error the contract has no such event
  const unknown = rig.publisher.publish(rig.room.name, "bid:withdrawn", {});
  await expect(unknown).rejects.toMatchObject({ code: "UNKNOWN_EVENT" });
  expect((await rig.publisher.history(rig.room.name)).messages).toEqual([]);
});

test("without a Redis to publish to, a publisher is refused with the next step", () => {
  const create = () => createPublisher({ contract: auction, settings: {} });
  expect(create).toThrow(SettingsError);
  expect(create).toThrow(/REDIS_URL: expected .*settingsFrom\(process\.env\)/);
});

test("settings that are a server's alone do not stop a publisher", () => {
  const settings = { redisUrl: redis.url, nodeEnv: "production", fcFunctionName: "cron" };
  expect(() => createPublisher({ contract: auction, settings })).not.toThrow();
});

test("a publisher that does not reach its Redis says so, and publishes once it does", async () => {
  await using own = await startRedis();
  await own.stop();
  await using publisher = createPublisher({ contract: auction, settings: { redisUrl: own.url } });
  const failed = publisher.publish("lot", "bid:placed", { amount: 1 });
  await expect(failed).rejects.toMatchObject({
    code: "UNAVAILABLE",
    message: expect.stringContaining(own.url.slice(8)),
  });
  await own.start();
  expect(await publisher.publish("lot", "bid:placed", { amount: 1 })).toMatchObject({ duplicate: false });
});

test("close waits for what is under way, and nothing is published after it", async () => {
  await using rig = await open();
  const published = rig.publisher.publish(rig.room.name, "bid:placed", { amount: 1 });
  await rig.publisher.close();
  expect(await published).toMatchObject({ duplicate: false });
  const late = rig.publisher.publish(rig.room.name, "bid:placed", { amount: 2 });
  await expect(late).rejects.toMatchObject({ code: "UNAVAILABLE" });
});

test("a process that publishes and closes ends by itself", async () => {
  const keyPrefix = uniquePrefix();
  const room = uniqueRoom();
  await using child = new ManagedProcess({
    command: process.execPath,
    args: [fileURLToPath(new URL("./publish-once.mjs", import.meta.url)), room],
    env: { PATH: process.env.PATH, REDIS_URL: redis.url, KEY_PREFIX: keyPrefix },
  });
  expect(await withTimeout(child.exit, "the process to end by itself"), child.output).toEqual({
    code: 0,
    signal: null,
  });
  expect(child.output).toBe("closed\n");
  await using publisher = createPublisher({ contract: auction, settings: { redisUrl: redis.url, keyPrefix } });
  expect((await publisher.history(room)).messages).toMatchObject([{ event: "note", data: { text: "good morning" } }]);
});
