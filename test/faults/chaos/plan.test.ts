import { expect, test } from "vitest";
import type { Fault } from "./fault.ts";
import { type PlannedFault, planFaults } from "./plan.ts";

const shape = { seconds: 60, clients: 30, firstReturningClient: 8, instances: 3, rooms: 4, nodes: 1 };
const seeds = Array.from({ length: 50 }, (_, seed) => seed);

function of<Kind extends Fault["kind"]>(plan: readonly PlannedFault[], kind: Kind) {
  return plan.filter(({ fault }) => fault.kind === kind);
}

function kindsOf(options: Omit<Parameters<typeof planFaults>[0], "seed">): Set<string> {
  return new Set(seeds.flatMap((seed) => planFaults({ ...options, seed }).map(({ fault }) => fault.kind)));
}

test("the same seed gives the same faults, another seed gives others", () => {
  expect(planFaults({ ...shape, seed: 7 })).toEqual(planFaults({ ...shape, seed: 7 }));
  expect(planFaults({ ...shape, seed: 7 })).not.toEqual(planFaults({ ...shape, seed: 8 }));
});

test("faults come in their order and within the time", () => {
  for (const seed of seeds) {
    const times = planFaults({ ...shape, seed }).map(({ atMs }) => atMs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(Math.max(...times)).toBeLessThan(60_000);
  }
});

test("the log is lost once, late, and twice in a long run", () => {
  for (const seed of seeds) {
    const [wipe, ...others] = of(planFaults({ ...shape, seed }), "wipe-redis");
    expect(wipe?.atMs).toBeGreaterThan(30_000);
    expect(others).toEqual([]);
  }
  expect(of(planFaults({ ...shape, seconds: 120, seed: 1 }), "wipe-redis")).toHaveLength(2);
});

test("all kinds of faults happen, to a Redis with a replica and to a cluster what it can suffer", () => {
  const single = kindsOf(shape);
  const cluster = kindsOf({ ...shape, nodes: 3 });
  expect(single.size).toBe(20);
  expect([...single].filter((kind) => !cluster.has(kind)).sort()).toEqual([
    "cut-redis-link",
    "promote-replica",
    "silence-redis-link",
    "slow-redis-link",
    "step-redis-clock",
  ]);
  expect([...cluster].filter((kind) => !single.has(kind))).toEqual(["move-slot"]);
});

test("Redis' clock steps back by up to an hour, and never far ahead", () => {
  const steps = seeds.flatMap((seed) =>
    planFaults({ ...shape, seed }).flatMap(({ fault }) => ("clockByMs" in fault ? fault.clockByMs : [])),
  );
  expect(Math.min(...steps)).toBeLessThan(-3_000_000);
  expect(Math.max(...steps)).toBe(2_000);
});

test("an instance is frozen for very long only where that is asked for", () => {
  const asked = of(planFaults({ ...shape, seed: 3, longFreezeMs: 250_000 }), "freeze-instance");
  expect(asked.filter(({ fault }) => "forMs" in fault && fault.forMs === 250_000)).toHaveLength(1);
  for (const seed of seeds) {
    for (const { fault } of of(planFaults({ ...shape, seed }), "freeze-instance")) {
      expect("forMs" in fault && fault.forMs).toBeLessThanOrEqual(12_000);
    }
  }
});

test("what suffers from one fault is left alone by others of its kind", () => {
  for (const seed of seeds) {
    let thawedAtMs = 0;
    for (const { atMs, fault } of of(planFaults({ ...shape, instances: 1, seed }), "freeze-instance")) {
      expect(atMs).toBeGreaterThanOrEqual(thawedAtMs);
      thawedAtMs = atMs + ("forMs" in fault ? fault.forMs : 0);
    }
  }
});
