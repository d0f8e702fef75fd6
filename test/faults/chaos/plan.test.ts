import { expect, test } from "vitest";
import { type Fault, type PlannedFault, planFaults } from "./plan.ts";

const shape = { seconds: 60, clients: 30, firstReturningClient: 8, instances: 3 };
const seeds = Array.from({ length: 50 }, (_, seed) => seed);

function of<Kind extends Fault["kind"]>(plan: readonly PlannedFault[], kind: Kind) {
  return plan.filter(({ fault }) => fault.kind === kind);
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

test("all kinds of faults happen", () => {
  const kinds = new Set(seeds.flatMap((seed) => planFaults({ ...shape, seed }).map(({ fault }) => fault.kind)));
  expect(kinds.size).toBe(14);
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
