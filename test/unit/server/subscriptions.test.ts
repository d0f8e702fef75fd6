import { pino } from "pino";
import { expect, test, vi } from "vitest";
import { type Subscriber, Subscriptions } from "../../../server/src/broadcast/subscriptions.ts";
import type { ChannelListener, RedisClient } from "../../../server/src/redis/redis-client.ts";
import { waitFor } from "../../support/wait.ts";

/** A link whose Redis answers when the test says so, in the order in which it was asked. */
function slowRedis() {
  const asked: { readonly command: string; readonly answer: (error?: Error) => void }[] = [];
  const ask = (command: string) =>
    new Promise<void>((resolve, reject) => {
      asked.push({ command, answer: (error) => (error === undefined ? resolve() : reject(error)) });
    });
  const client: Pick<RedisClient, "sSubscribe" | "sUnsubscribe"> = {
    sSubscribe: (channel) => ask(`subscribe ${channel}`),
    sUnsubscribe: (channel) => ask(`unsubscribe ${channel}`),
  };
  const listeners: { up?: () => void; lost?: () => void } = {};
  let isUp = true;
  const link: Subscriber = {
    get isUp() {
      return isUp;
    },
    settled: () => Promise.resolve(),
    run: (command) => command(client as RedisClient),
    onUp: (listener) => {
      listeners.up = listener;
    },
    onLost: (listener) => {
      listeners.lost = listener;
    },
  };
  return {
    subscriptions: new Subscriptions(link, pino({ level: "silent" })),
    /** Answers the oldest command that waits, and lets everybody act on it. */
    async answerNext(expected: string, error?: Error) {
      const next = asked.shift();
      expect(next?.command).toBe(expected);
      next?.answer(error);
      await new Promise(setImmediate);
    },
    waiting: () => asked.map(({ command }) => command),
    goAway() {
      isUp = false;
      listeners.lost?.();
    },
    comeBack() {
      isUp = true;
      listeners.up?.();
    },
  };
}

const unanswered = new Error("no answer within 2000 ms");
const deliver: ChannelListener = () => undefined;

async function subscribedTo(channel: string) {
  const redis = slowRedis();
  redis.subscriptions.sSubscribe(channel, deliver);
  await redis.answerNext(`subscribe ${channel}`);
  await redis.subscriptions.confirmed(channel);
  return redis;
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

test("a join after an unsubscription without an answer subscribes again, because Redis may still carry it out", async () => {
  const redis = await subscribedTo("room");
  redis.subscriptions.sUnsubscribe("room");
  await redis.answerNext("unsubscribe room", unanswered);
  redis.subscriptions.sSubscribe("room", deliver);
  expect(redis.waiting()).toEqual(["subscribe room"]);
  await redis.answerNext("subscribe room");
  await redis.subscriptions.confirmed("room");
});

test("a join during an unsubscription without an answer subscribes as soon as that has timed out", async () => {
  const redis = await subscribedTo("room");
  redis.subscriptions.sUnsubscribe("room");
  redis.subscriptions.sSubscribe("room", deliver);
  const confirmed = redis.subscriptions.confirmed("room");
  await redis.answerNext("unsubscribe room", unanswered);
  await redis.answerNext("subscribe room");
  await confirmed;
});

test("an unsubscription that was not answered is repeated until it is confirmed", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  try {
    const redis = await subscribedTo("room");
    redis.subscriptions.sUnsubscribe("room");
    await redis.answerNext("unsubscribe room", unanswered);
    expect(redis.waiting()).toEqual([]);
    vi.runOnlyPendingTimers();
    await redis.answerNext("unsubscribe room");
    expect(redis.subscriptions.size).toBe(0);
    expect(vi.getTimerCount()).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test("a channel that is no longer needed when the connection returns is unsubscribed there too", async () => {
  const redis = await subscribedTo("room");
  redis.goAway();
  redis.subscriptions.sUnsubscribe("room");
  expect(redis.waiting()).toEqual([]);
  redis.comeBack();
  await redis.answerNext("unsubscribe room");
  expect(redis.subscriptions.size).toBe(0);
});

test("a subscription without an answer is not confirmed, and is tried again", async () => {
  const redis = slowRedis();
  redis.subscriptions.sSubscribe("room", deliver);
  const refused = expect(redis.subscriptions.confirmed("room")).rejects.toMatchObject({ code: "UNAVAILABLE" });
  await redis.answerNext("subscribe room", unanswered);
  await refused;
  await waitFor(() => redis.waiting().length > 0, "the subscription to be tried again");
  await redis.answerNext("subscribe room");
  await redis.subscriptions.confirmed("room");
});

test("a channel that lost messages is unsubscribed and subscribed again, once for all who ask at that time", async () => {
  const redis = await subscribedTo("room");
  const resubscribed = [redis.subscriptions.resubscribe("room"), redis.subscriptions.resubscribe("room")];
  expect(redis.waiting()).toEqual(["unsubscribe room"]);
  await redis.answerNext("unsubscribe room");
  await redis.answerNext("subscribe room");
  await Promise.all(resubscribed);
  expect(redis.waiting()).toEqual([]);
  await redis.subscriptions.resubscribe("a room without members");
  expect(redis.waiting()).toEqual([]);
});
