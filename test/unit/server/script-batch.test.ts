import { expect, test } from "vitest";
import type { RedisClient } from "../../../server/src/redis/redis-client.ts";
import { ScriptBatch } from "../../../server/src/redis/script-batch.ts";
import { script } from "../../../server/src/redis/scripts.ts";

const anyScript = script({}, "return KEYS");

/** A Redis that answers with each key and its argument, or fails. */
function redisThat(fails: (keys: readonly string[]) => Error | undefined = () => undefined) {
  const calls: string[][] = [];
  const client = {
    async evalSha(_sha: string, keys: string[], args: string[]) {
      calls.push(keys);
      const error = fails(keys);
      if (error !== undefined) throw error;
      return keys.map((key, index) => (key === "none" ? null : `${key}=${args[index]}`));
    },
  } as Partial<RedisClient> as RedisClient;
  return { calls, redis: { run: <Reply>(command: (one: RedisClient) => Promise<Reply>) => command(client) } };
}

const keys = (count: number) => Array.from({ length: count }, (_, index) => `key-${index}`);

test("what is asked for in one go is one call, and each gets its own answer", async () => {
  const { calls, redis } = redisThat();
  const batch = new ScriptBatch(redis, anyScript, true);
  const answers = await Promise.all([batch.run("a", ["1"]), batch.run("none", ["2"]), batch.run("b", ["3"])]);
  expect(answers).toEqual(["a=1", null, "b=3"]);
  await batch.run("later", ["4"]);
  expect(calls).toEqual([["a", "none", "b"], ["later"]]);
});

test("a call has 64 keys at most, and one where keys are in different slots", async () => {
  const { calls, redis } = redisThat();
  const batch = new ScriptBatch(redis, anyScript, true);
  await Promise.all(keys(130).map((key) => batch.run(key, ["1"])));
  expect(calls.map(({ length }) => length)).toEqual([64, 64, 2]);
  const single = new ScriptBatch(redis, anyScript, false);
  await Promise.all(keys(3).map((key) => single.run(key, ["1"])));
  expect(calls.slice(3).map(({ length }) => length)).toEqual([1, 1, 1]);
});

test("a proxy in front of a cluster is noticed, and asked key by key from then on", async () => {
  const { calls, redis } = redisThat((some) =>
    some.length > 1 ? new Error("ERR 'EVALSHA' command keys must in same slot") : undefined,
  );
  const batch = new ScriptBatch(redis, anyScript, true);
  for (let round = 0; round < 2; round += 1) {
    expect(await Promise.all([batch.run("a", ["1"]), batch.run("b", ["2"])])).toEqual(["a=1", "b=2"]);
  }
  expect(calls).toEqual([["a", "b"], ["a"], ["b"], ["a"], ["b"]]);
});

test("a failure is everybody's who was in the call, and nobody else's", async () => {
  const { redis } = redisThat((some) => (some.includes("bad") ? new Error("away") : undefined));
  const batch = new ScriptBatch(redis, anyScript, true);
  const outcomes = await Promise.allSettled([batch.run("a"), batch.run("bad")]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await batch.run("a", ["1"])).toBe("a=1");
});
