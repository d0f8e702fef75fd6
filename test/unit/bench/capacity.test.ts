import fc from "fast-check";
import { expect, test } from "vitest";
import { capacity, connectionsOfOneRedis, times } from "../../bench/capacity/answer.ts";
import { instanceCores, instancesFor, instancesOfRoom, type Plan, sum } from "../../bench/capacity/capacity.ts";
import { planOf } from "../../bench/capacity/command.ts";
import { units, unitsAt } from "../../bench/capacity/units.ts";

const plan: Plan = {
  connections: 100_000,
  rooms: 5_000,
  joined: 1,
  perMinute: 1,
  history: 1_000,
  load: 0.6,
  instanceBytes: 2 ** 30,
  redisBytes: 8 * 2 ** 30,
  redisBytesPerSecond: 125_000_000,
};
const measured = unitsAt(1);

test("members spread over instances: one is on one, two are on fewer than two, and many are on all", () => {
  expect(instancesOfRoom(10, 1)).toBeCloseTo(1);
  expect(instancesOfRoom(10, 2)).toBeCloseTo(1.9);
  expect(instancesOfRoom(10, 1_000)).toBeCloseTo(10);
  expect(instancesOfRoom(1, 20)).toBe(1);
});

const plans = fc.record({
  connections: fc.integer({ min: 1, max: 2_000_000 }),
  rooms: fc.integer({ min: 1, max: 100_000 }),
  joined: fc.integer({ min: 1, max: 20 }),
  perMinute: fc.double({ min: 0, max: 10, noNaN: true }),
});

test("as many instances as it takes, and not one more: one fewer has too little CPU or too little memory", () => {
  fc.assert(
    fc.property(plans, (some) => {
      const asked = { ...plan, ...some };
      const instances = instancesFor(asked, measured);
      const carry = (count: number) =>
        sum(instanceCores(asked, count, measured)) <= count * asked.load &&
        asked.connections * measured.connectionBytes <= count * asked.instanceBytes;
      expect(carry(instances)).toBe(true);
      expect(instances === 1 || !carry(instances - 1)).toBe(true);
    }),
  );
});

test("more connections of the same kind never need fewer servers", () => {
  fc.assert(
    fc.property(plans, fc.integer({ min: 1, max: 10 }), (some, factor) => {
      const [small, large] = [1, factor].map((by) => capacity(times({ ...plan, ...some }, by), measured));
      expect(large?.instances).toBeGreaterThanOrEqual(small?.instances ?? 0);
      expect(large?.shards).toBeGreaterThanOrEqual(small?.shards ?? 0);
    }),
  );
});

test("where nobody writes, connections at rest decide; where memory is short, memory does", () => {
  const silent = { ...plan, perMinute: 0 };
  expect(capacity(silent, measured).scarceOfInstances).toBe("CPU for connections at rest");
  expect(capacity({ ...silent, instanceBytes: 2 ** 25 }, measured)).toMatchObject({
    scarceOfInstances: "memory for connections",
    instances: Math.ceil((100_000 * units.connectionBytes.value) / 2 ** 25),
  });
  expect(capacity({ ...silent, history: 100_000 }, measured).scarceOfRedis).toBe("memory");
});

test("one Redis carries so many connections, and no more", () => {
  const most = connectionsOfOneRedis(plan, measured);
  const shardsAt = (connections: number) => capacity(times(plan, connections / plan.connections), measured).shards;
  expect([shardsAt(most), shardsAt(most + 1)]).toEqual([1, 2]);
});

test("faster cores make CPU cheaper, and no bytes smaller", () => {
  const twice = unitsAt(2);
  expect(twice.publishUs).toBe(units.publishUs.value / 2);
  expect(twice.connectionBytes).toBe(units.connectionBytes.value);
});

test("what has no answer is refused by its name", () => {
  const asked = { ...plan, mib: 1_024, redisGib: 8, gbit: 1, speed: 1, load: 60 };
  expect(planOf(asked).load).toBe(0.6);
  expect(() => planOf({ ...asked, rooms: 0 })).toThrow("--rooms: expected more than 0");
});
