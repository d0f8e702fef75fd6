import { expect, test } from "vitest";
import { format, together } from "../../../server/src/pulse/page/figures.ts";
import { History, redisAway, shownSeconds, valuesOf } from "../../../server/src/pulse/page/history.ts";
import type { Sample } from "../../../server/src/pulse/sample.ts";

const startMs = 1_000_000_000_000;

function sample(instance: string, second: number, more: Partial<Sample> = {}): Sample {
  return {
    instance,
    name: instance,
    atMs: startMs + second * 1000,
    connections: 1,
    rooms: 0,
    members: 0,
    publishedPerSecond: 0,
    deliveredPerSecond: 0,
    appendP50Ms: null,
    appendP99Ms: null,
    deliverP50Ms: null,
    deliverP99Ms: null,
    moves: 0,
    resumes: 0,
    gaps: 0,
    cuts: 0,
    refusals: 0,
    isRedisUp: true,
    redisP99Ms: null,
    eventLoopMs: 0,
    ...more,
  };
}

/** A history of what was told, each at its moment. */
function historyOf(samples: readonly Sample[]): History {
  const history = new History();
  for (const told of samples) history.add(told, told.atMs + 30);
  return history;
}

const connectionsOf = (history: History, last: number) => {
  const { seconds, instances } = history.view();
  return Object.fromEntries(
    instances.map((instance) => [instance.name, valuesOf(instance, "connections", seconds).slice(-last)]),
  );
};

test("a second is shown when it is complete: when something of the next one has come", () => {
  const history = historyOf([sample("a", 1, { connections: 4 })]);
  expect(history.view().seconds.at(-1)).toBe(startMs / 1000);
  history.add(sample("b", 1, { connections: 5 }), startMs + 1_300);
  history.add(sample("a", 2, { connections: 6 }), startMs + 2_030);
  expect(history.view().seconds.at(-1)).toBe(startMs / 1000 + 1);
  expect(connectionsOf(history, 1)).toEqual({ a: [4], b: [5] });
});

test("an instance whose clock is wrong stands where its samples came", () => {
  const history = historyOf([sample("a", 1)]);
  history.add(sample("b", 5_001, { connections: 7 }), startMs + 1_100);
  history.add(sample("a", 2), startMs + 2_000);
  expect(connectionsOf(history, 1)).toEqual({ a: [1], b: [7] });
});

test("up to two seconds without a value are bridged, longer ones are a hole", () => {
  const history = historyOf([0, 3, 7, 8].map((second) => sample("a", second, { connections: second })));
  expect(connectionsOf(history, 8)).toEqual({ a: [0, 1, 2, 3, null, null, null, 7] });
});

test("an instance that tells nothing any more is gone, and then forgotten; its colour is free for another one", () => {
  const history = historyOf([sample("a", 0), sample("b", 0)]);
  for (let second = 1; second < 10; second += 1) history.add(sample("b", second), startMs + second * 1000);
  expect(history.view().instances.map(({ name, isGone, slot }) => [name, isGone, slot])).toEqual([
    ["a", true, 0],
    ["b", false, 1],
  ]);
  for (let second = 10; second < shownSeconds + 10; second += 1) {
    history.add(sample("b", second), startMs + second * 1000);
  }
  history.add(sample("c", shownSeconds + 9), startMs + (shownSeconds + 9) * 1000);
  expect(history.view().instances.map(({ name, isGone, slot }) => [name, isGone, slot])).toEqual([
    ["b", false, 1],
    ["c", false, 0],
  ]);
});

test("what comes later does not change a view", () => {
  const history = historyOf([sample("a", 0), sample("a", 1)]);
  const [instance] = history.view().instances;
  history.add(sample("a", 1, { connections: 99 }), startMs + 1_000);
  expect(instance?.at(startMs / 1000 + 1)?.connections).toBe(1);
});

test("the time in which an instance was without Redis is known", () => {
  const view = historyOf([sample("a", 0), sample("a", 1, { isRedisUp: false }), sample("a", 2)]).view();
  expect(redisAway(view).slice(-2)).toEqual([false, true]);
});

test("together, counts are added up and latencies are the worst one; where nothing is known, nothing is", () => {
  expect(together([1, 2, null, undefined], "sum")).toBe(3);
  expect(together([1, 2, null], "worst")).toBe(2);
  expect(together([null], "sum")).toBeNull();
});

test.each([
  [null, "–"],
  [0, "0"],
  [2.5, "2.5"],
  [0.25, "0.25"],
  [12.345, "12.3"],
  [123.4, "123"],
  [1_234, "1,234"],
  [12_345, "12.3k"],
  [123_456, "123k"],
])("%s is written as %s", (value, text) => {
  expect(format(value)).toBe(text);
});
