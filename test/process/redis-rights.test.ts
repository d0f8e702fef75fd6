import { defineContract } from "@holdfast/client/contract";
import { createServer } from "@holdfast/server";
import { createClient } from "redis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { read } from "../support/markdown.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { spawnServer, startServer } from "../support/server-process.ts";
import { askData, collect, connectStock } from "../support/stock-client.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

/** The rights that the deployment guide lists. */
function documentedRights(): string[] {
  const rights = /`(~holdfast\* [^`]+)`/.exec(read("server/README.md"))?.[1];
  if (rights === undefined) throw new Error("expected server/README.md to list the rights of the Redis user");
  return rights.split(" ");
}

/** Gives a user nothing but these rights. Returns the address with its name and password. */
async function userWith(redis: RedisServer, rights: readonly string[]): Promise<string> {
  const admin = createClient({ url: redis.url });
  await admin.connect();
  await admin.aclSetUser("app", ["reset", "on", ">secret", ...rights]);
  admin.destroy();
  return redis.url.replace("redis://", "redis://app:secret@");
}

async function keysIn(url: string): Promise<string[]> {
  const admin = createClient({ url });
  await admin.connect();
  const keys = await admin.keys("*");
  admin.destroy();
  return keys;
}

test("the rights that the deployment guide lists are enough to start and to serve", async () => {
  await using redis = await startRedis();
  const userUrl = await userWith(redis, documentedRights());
  await using server = await startServer({ env: { REDIS_URL: userUrl, DRAIN_SECONDS: "0" } });
  expect(await keysIn(redis.url), "keys that the trial of the rights left").toEqual([]);
  using socket = await connectStock(server.url);
  using published = collect(socket, "message:published");
  using other = await connectStock(server.url);
  using signals = collect(other, "signal:sent");
  const room = uniqueRoom();
  for (const member of [socket, other]) await askData(member, "room:join", { room, presence: true });
  await askData(socket, "message:publish", { room, id: messageId(), event: "chat:message", data: { text: "hi" } });
  await published.waitFor((item) => item.room === room, "the message");
  await askData(socket, "signal:send", { room, event: "chat:typing", data: {} });
  await signals.waitFor((item) => item.room === room, "the signal");
  expect((await askData(socket, "history:read", { room })).messages).toHaveLength(1);
  await askData(socket, "presence:update", { room, state: { name: "ann" } });
  await askData(other, "room:leave", { room });
  await waitFor(async () => (await askData(socket, "presence:list", { room })).count === 1, "the other one to leave");
  expect(server.logs.filter(({ level }) => Number(level) >= 40)).toEqual([]);
});

test("a start that lacks a right ends with code 1 and says which", async () => {
  await using redis = await startRedis();
  const userUrl = await userWith(redis, [...documentedRights(), "-eval"]);
  await using server = await spawnServer({ env: { REDIS_URL: userUrl } });
  const exit = await withTimeout(server.exit, "the server to end by itself", 15_000);
  expect(exit).toEqual({ code: 1, signal: null });
  expect(server.output).toMatch(/lacks a right \(.*eval.*\): give it ~holdfast\* &holdfast\*/);
  expect(server.output).not.toContain("secret");
});

const nothing = () => undefined;
const quiet = { debug: nothing, info: nothing, warn: nothing, error: nothing };

describe("a Redis user", () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  test.each([
    ["-eval", "eval"],
    ["-ssubscribe", "ssubscribe"],
    ["-xadd", "XADD:"],
    ["-xrange", " XRANGE:"],
    ["-xrevrange", "XREVRANGE:"],
    ["-set", " SET:"],
    ["-get", " GET:"],
    ["-hset", "HSET:"],
    ["-hmget", "HMGET:"],
    ["-expire", " EXPIRE:"],
    ["-unlink", "UNLINK:"],
    ["-ttl", "TTL:"],
    ["-spublish", "SPUBLISH:"],
    ["-hget", " HGET:"],
    ["-hdel", " HDEL:"],
    ["-hlen", " HLEN:"],
    ["-hkeys", " HKEYS:"],
    ["-hgetall", " HGETALL:"],
    ["-hscan", " HSCAN:"],
    ["-hincrby", " HINCRBY:"],
    ["-zadd", " ZADD:"],
    ["-zscore", " ZSCORE:"],
    ["-zrange", " ZRANGE:"],
    ["-zrem", " ZREM:"],
    ["resetkeys ~other:*", "keys"],
    ["resetchannels &other#*", "channel"],
  ])("with %s is refused with the right that it lacks", async (change, named) => {
    const redisUrl = await userWith(redis, [...documentedRights(), ...change.split(" ")]);
    const start = createServer({ contract: defineContract({}) }, { settings: { port: 0, redisUrl }, logger: quiet });
    await expect(start).rejects.toThrow(
      expect.objectContaining({
        message: expect.stringMatching(
          new RegExp(`lacks a right \\(.*${named}.*\\): give it ~holdfast\\* &holdfast\\*`),
        ),
      }),
    );
    await expect(start).rejects.not.toThrow("secret");
    expect(await keysIn(redis.url)).toEqual([]);
  });
});
