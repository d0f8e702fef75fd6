import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ControlChannel, type Order } from "../../../server/src/broadcast/control-channel.ts";
import type { ChannelListener, RedisClient } from "../../../server/src/redis/redis-client.ts";

/** Some instances on one Redis; those in `deaf` hear nothing until they subscribe again. */
function instances(count: number) {
  const listeners: ChannelListener[] = [];
  const deaf = new Set<number>();
  const resubscribed: number[] = [];
  const missed: number[] = [];
  const orders: [number, Order][] = [];
  let published = 0;
  let isAway = false;
  const client: Pick<RedisClient, "sPublish"> = {
    sPublish: async (channel, text) => {
      if (isAway) throw new Error("away");
      published += 1;
      for (const [index, listener] of listeners.entries()) {
        if (!deaf.has(index)) listener(Buffer.from(String(text)), Buffer.from(channel));
      }
      return 0;
    },
  };
  const channels = Array.from(
    { length: count },
    (_, index) =>
      new ControlChannel({
        commands: { run: (command) => command(client as RedisClient) },
        subscriptions: {
          sSubscribe: (_channel, listener) => void listeners.push(listener),
          resubscribe: async () => {
            deaf.delete(index);
            resubscribed.push(index);
          },
        },
        keyPrefix: "test",
        onOrder: (order) => orders.push([index, order]),
        onMissed: () => missed.push(index),
        logger: { warn: () => undefined },
      }),
  );
  return {
    channels,
    deaf,
    resubscribed,
    missed,
    orders,
    published: () => published,
    goAway: () => {
      isAway = true;
    },
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("an instance that is subscribed and hears nothing subscribes again, and looks up what it may have missed", async () => {
  const rig = instances(3);
  rig.deaf.add(1);
  await rig.channels[0]?.tell({ recheck: "ann" });
  expect(rig.orders.map(([index]) => index)).toEqual([0, 2]);
  await vi.advanceTimersByTimeAsync(40_000);
  expect([rig.resubscribed, rig.missed]).toEqual([[1], [1]]);
  await rig.channels[0]?.tell({ recheck: "bob" });
  expect(rig.orders.map(([index]) => index)).toEqual([0, 2, 0, 1, 2]);
});

test("instances that hear probe rarely, and take a probe for no order", async () => {
  const rig = instances(3);
  await vi.advanceTimersByTimeAsync(150_000);
  expect([rig.resubscribed, rig.missed, rig.orders]).toEqual([[], [], []]);
  expect(rig.published()).toBeGreaterThan(0);
  expect(rig.published()).toBeLessThanOrEqual(10);
});

test("while Redis is away nothing is concluded from silence, and after the end nothing is sent", async () => {
  const rig = instances(1);
  rig.goAway();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([rig.resubscribed, rig.missed]).toEqual([[], []]);
  for (const channel of rig.channels) channel.stop();
  expect(vi.getTimerCount()).toBe(0);
});
