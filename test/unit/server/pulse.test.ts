import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { KnownInstances } from "../../../server/src/pulse/known-instances.ts";
import { Pulse } from "../../../server/src/pulse/pulse.ts";
import type { Sample } from "../../../server/src/pulse/sample.ts";
import type { ChannelListener, RedisClient } from "../../../server/src/redis/redis-client.ts";

/** Instances that hear each other: on the control channel, and where they watch on the channel of samples. */
function instances(count: number) {
  const listeners = new Map<number, ChannelListener>();
  let published = 0;
  const client: Pick<RedisClient, "sPublish"> = {
    sPublish: async (channel, text) => {
      published += 1;
      for (const listener of listeners.values()) listener(Buffer.from(String(text)), Buffer.from(channel));
      return 0;
    },
  };
  const pulses: Pulse[] = Array.from(
    { length: count },
    (_, index) =>
      new Pulse({
        metrics: { start: () => undefined, state: () => 1, counts: () => [], observations: () => [] },
        commands: { run: (command) => command(client as RedisClient) },
        subscriptions: {
          sSubscribe: (_channel, listener) => void listeners.set(index, listener),
          sUnsubscribe: () => void listeners.delete(index),
        },
        keyPrefix: "test",
        tell: async (order) => {
          for (const pulse of pulses) pulse.hear(order);
        },
        name: `instance ${index}`,
      }),
  );
  const at = (index: number): Pulse => {
    const pulse = pulses[index];
    if (pulse === undefined) throw new Error(`expected one of ${count} instances`);
    return pulse;
  };
  return { at, listeners, published: () => published };
}

/** What a watcher is sent. */
function watch(pulse: Pulse) {
  const watcher = pulse.watch();
  const samples: Sample[] = [];
  const ended = watcher.send(async (told) => samples.push(...told));
  return { watcher, samples, ended };
}

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

test("a watcher of one instance is sent a sample a second of each", async () => {
  const { at } = instances(3);
  const { samples } = watch(at(0));
  await vi.advanceTimersByTimeAsync(4_500);
  for (const name of ["instance 0", "instance 1", "instance 2"]) {
    const times = samples.filter((sample) => sample.name === name).map(({ atMs }) => atMs / 1000);
    expect(times.length).toBeGreaterThanOrEqual(3);
    expect(times).toEqual(times.map((_, index) => (times[0] ?? 0) + index));
  }
});

test("nothing is told before somebody watches, and nothing any more ten seconds after the last watcher left", async () => {
  const { at, listeners, published } = instances(2);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(published()).toBe(0);
  const { watcher, samples, ended } = watch(at(0));
  await vi.advanceTimersByTimeAsync(30_000);
  // The lease was renewed while it lasted.
  expect(samples.length).toBeGreaterThan(50);
  at(0).leave(watcher);
  await ended;
  expect(listeners.size).toBe(0);
  await vi.advanceTimersByTimeAsync(11_000);
  const told = published();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(published()).toBe(told);
  expect(vi.getTimerCount()).toBe(0);
});

test("samples go on while one of two watchers stays", async () => {
  const { at } = instances(1);
  const [first, second] = [watch(at(0)), watch(at(0))];
  await vi.advanceTimersByTimeAsync(3_000);
  at(0).leave(first.watcher);
  const sent = second.samples.length;
  await vi.advanceTimersByTimeAsync(20_000);
  expect(second.samples.length).toBeGreaterThan(sent + 15);
});

test("a watcher that reads nothing for half a minute is let go, and its instance rests", async () => {
  const { at, listeners, published } = instances(1);
  const ended = at(0)
    .watch()
    .send(() => new Promise(() => undefined));
  await vi.advanceTimersByTimeAsync(33_000);
  await ended;
  expect(listeners.size).toBe(0);
  await vi.advanceTimersByTimeAsync(11_000);
  const told = published();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(published()).toBe(told);
});

test("a message on the channel that is no sample is not shown", async () => {
  const { at, listeners } = instances(1);
  const { samples } = watch(at(0));
  await vi.advanceTimersByTimeAsync(2_500);
  const [sample] = samples;
  const sent = samples.length;
  const tell = (text: string) => listeners.get(0)?.(Buffer.from(text), Buffer.from("test#pulse"));
  for (const text of ["", "[", "{}", JSON.stringify({ ...sample, instance: "x".repeat(2_000) })]) tell(text);
  tell(JSON.stringify({ ...sample, instance: "another", connections: "many" }));
  await vi.advanceTimersByTimeAsync(0);
  expect(samples).toHaveLength(sent);
  tell(JSON.stringify({ ...sample, instance: "another" }));
  await vi.advanceTimersByTimeAsync(0);
  expect(samples).toHaveLength(sent + 1);
});

test("at most sixteen watch one instance", () => {
  const { at } = instances(1);
  for (let watching = 0; watching < 16; watching += 1) at(0).watch();
  expect(() => at(0).watch()).toThrow("16 others watch this instance");
  at(0).stop();
});

test("49 other instances are shown, and another one when one of them is gone", () => {
  const known = new KnownInstances();
  for (let index = 0; index < 49; index += 1) expect(known.hear(String(index), index)).toBe(true);
  expect(known.hear("another", 10_000)).toBe(false);
  expect(known.hear("0", 10_000)).toBe(true);
  expect(known.hear("another", 10_002)).toBe(true);
});
