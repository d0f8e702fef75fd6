import { expect, test } from "vitest";
import { planFailovers } from "./plan-failovers.ts";

const shape = {
  count: 200,
  isLossy: true,
  oldMasters: ["dies", "demoted"],
  instances: 3,
  publishers: 4,
  firstRoamer: 8,
  roamers: 4,
} as const;

test("the same seed gives the same failovers, another seed gives others", () => {
  expect(planFailovers({ ...shape, seed: 7 })).toEqual(planFailovers({ ...shape, seed: 7 }));
  expect(planFailovers({ ...shape, seed: 7 })).not.toEqual(planFailovers({ ...shape, seed: 8 }));
});

test("restarts and promotions of both sorts lose from 0 to 20, or nothing at all", () => {
  const plan = planFailovers({ ...shape, seed: 7 });
  expect(new Set(plan.map(({ losing }) => losing)).size).toBe(21);
  expect(new Set(plan.map(({ kind, oldMaster }) => `${kind} ${oldMaster}`)).size).toBe(4);
  const harmless = planFailovers({ ...shape, isLossy: false, seed: 7 });
  expect(harmless.every(({ losing }) => losing === undefined)).toBe(true);
  expect(harmless.map(({ kind }) => kind)).toEqual(plan.map(({ kind }) => kind));
});

test("ten clients arrive, and only clients that may be away are", () => {
  const plan = planFailovers({ ...shape, seed: 7 });
  expect(plan.filter(({ arrival }) => arrival)).toHaveLength(10);
  const away = plan.flatMap(({ away }) => away?.client ?? []);
  expect(new Set(away)).toEqual(new Set([8, 9, 10, 11]));
});
