import { pino } from "pino";
import { expect, test } from "vitest";
import type { RedisLink } from "../../../server/src/redis/link.ts";
import type { RedisClient } from "../../../server/src/redis/redis-client.ts";
import { Subscriptions } from "../../../server/src/redis/subscriptions.ts";

/** A link whose Redis answers when the test says so, in the order in which it was asked. */
function slowRedis() {
  const asked: { readonly command: string; readonly answer: () => void }[] = [];
  const ask = (command: string) => new Promise<void>((answer) => asked.push({ command, answer }));
  const client = {
    sSubscribe: (channel: string) => ask(`subscribe ${channel}`),
    sUnsubscribe: (channel: string) => ask(`unsubscribe ${channel}`),
  };
  const link: Partial<RedisLink> = {
    isUp: true,
    onUp: () => undefined,
    onLost: () => undefined,
    settled: () => Promise.resolve(),
    run: (command) => command(client as unknown as RedisClient),
  };
  return {
    subscriptions: new Subscriptions({
      link: link as RedisLink,
      logger: pino({ level: "silent" }),
      onMessage: () => undefined,
    }),
    /** Answers the oldest command that waits, and lets everybody act on it. */
    async answerNext(expected: string) {
      const next = asked.shift();
      expect(next?.command).toBe(expected);
      next?.answer();
      await new Promise(setImmediate);
    },
    waiting: () => asked.map(({ command }) => command),
  };
}

test("a channel that is wanted again while it is being given up is confirmed when it is subscribed to again", async () => {
  const redis = slowRedis();
  const { subscriptions } = redis;
  subscriptions.sSubscribe("room", () => undefined);
  await redis.answerNext("subscribe room");
  await subscriptions.confirmed("room");

  subscriptions.sUnsubscribe("room");
  subscriptions.sSubscribe("room", () => undefined);
  let isConfirmed = false;
  const confirmed = subscriptions.confirmed("room").then(() => {
    isConfirmed = true;
  });
  await new Promise(setImmediate);
  expect(isConfirmed).toBe(false);
  await redis.answerNext("unsubscribe room");
  expect(isConfirmed).toBe(false);
  await redis.answerNext("subscribe room");
  await confirmed;
});

test("commands for one channel never overlap, and what was wanted and given up meanwhile is not asked for", async () => {
  const redis = slowRedis();
  const { subscriptions } = redis;
  subscriptions.sSubscribe("room", () => undefined);
  subscriptions.sUnsubscribe("room");
  subscriptions.sSubscribe("room", () => undefined);
  subscriptions.sUnsubscribe("room");
  expect(redis.waiting()).toEqual(["subscribe room"]);
  await redis.answerNext("subscribe room");
  await redis.answerNext("unsubscribe room");
  expect(redis.waiting()).toEqual([]);
  expect(subscriptions.size).toBe(0);
});
