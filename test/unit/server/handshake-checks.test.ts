import { expect, test } from "vitest";
import { HandshakeChecks } from "../../../server/src/auth/handshake-checks.ts";
import type { RedisClient } from "../../../server/src/redis/redis-client.ts";

/** A Redis that answers when it is told to, and notes how many keys each script was given. */
function slowRedis() {
  const keyCounts: number[] = [];
  let answer: (error?: Error) => void = () => undefined;
  const evalSha: RedisClient["evalSha"] = (_sha, keys) => {
    keyCounts.push(keys.length);
    return new Promise((resolve, reject) => {
      answer = (error) => (error === undefined ? resolve(keys.map((_, i) => (i % 2 === 0 ? 1 : null))) : reject(error));
    });
  };
  return {
    keyCounts,
    answer: (error?: Error) => answer(error),
    redis: { run: <Reply>(command: (client: RedisClient) => Promise<Reply>) => command({ evalSha } as RedisClient) },
  };
}

const sessions = (count: number) => Array.from({ length: count }, (_, index) => `session-of-a-test-${index}`);
const untilAsked = (keyCounts: readonly unknown[], times: number) => expect.poll(() => keyCounts.length).toBe(times);

test("one handshake alone is asked about at once", async () => {
  const { redis, keyCounts, answer } = slowRedis();
  const check = new HandshakeChecks(redis, "test", false).check("session-of-a-test", "ann");
  expect(keyCounts).toEqual([2]);
  answer();
  expect(await check).toEqual({ mayUseSession: true, revokedUpTo: null });
});

test("handshakes that come while a question is under way go out together, at most 64 of them", async () => {
  const { redis, keyCounts, answer } = slowRedis();
  const checks = new HandshakeChecks(redis, "test", false);
  const all = sessions(101).map((session) => checks.check(session, "ann"));
  answer();
  await untilAsked(keyCounts, 2);
  answer();
  await untilAsked(keyCounts, 3);
  answer();
  expect((await Promise.all(all)).every(({ mayUseSession }) => mayUseSession)).toBe(true);
  expect(keyCounts).toEqual([2, 128, 72]);
});

test("a question that fails refuses those that it was about, and the next one is asked", async () => {
  const { redis, keyCounts, answer } = slowRedis();
  const checks = new HandshakeChecks(redis, "test", false);
  const first = checks.check("session-of-a-test", "ann");
  const second = checks.check("another-session-of-a-test", "ben");
  answer(new Error("away"));
  await expect(first).rejects.toThrow("away");
  await untilAsked(keyCounts, 2);
  answer();
  expect(await second).toMatchObject({ mayUseSession: true });
});
