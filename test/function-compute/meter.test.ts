import fc from "fast-check";
import { expect, test } from "vitest";
import { billedMs, connectionClosed, connectionOpened, costOf, idleMeter, type Meter } from "./meter.ts";

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A meter that saw these connections open and close, in the order of time. */
function meterOf(spans: readonly Span[]): Meter {
  const steps = spans.flatMap(({ fromMs, toMs }) => [
    { atMs: fromMs, apply: connectionOpened, rank: 0 },
    { atMs: toMs, apply: connectionClosed, rank: 1 },
  ]);
  // A connection of no length opens before it closes.
  steps.sort((a, b) => a.atMs - b.atMs || a.rank - b.rank);
  return steps.reduce((meter, { apply, atMs }) => apply(meter, atMs), idleMeter);
}

test("one connection from T1 to T3 and one from T2 to T4 are billed T4 - T1", () => {
  const [t1, t2, t3, t4] = [1000, 3000, 6000, 10_000];
  const spans = [
    { fromMs: t1, toMs: t3 },
    { fromMs: t2, toMs: t4 },
  ];
  expect(billedMs(meterOf(spans), t4 + 5000)).toBe(t4 - t1);
});

test("the time between two connections is not billed", () => {
  const spans = [
    { fromMs: 0, toMs: 100 },
    { fromMs: 500, toMs: 700 },
  ];
  expect(billedMs(meterOf(spans), 1000)).toBe(300);
});

test("an open connection is billed up to now", () => {
  expect(billedMs(connectionOpened(idleMeter, 200), 450)).toBe(250);
});

test("two hundred connections over the same time are billed like one", () => {
  const spans = Array.from({ length: 200 }, () => ({ fromMs: 10, toMs: 20 }));
  expect(billedMs(meterOf(spans), 30)).toBe(10);
});

test("what is billed is the length of the union of all connections", () => {
  const span = fc
    .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 30 }))
    .map(([fromMs, lengthMs]) => ({ fromMs, toMs: fromMs + lengthMs }));
  fc.assert(
    fc.property(fc.array(span, { maxLength: 12 }), (spans) => {
      const covered = Array.from({ length: 100 }, (_, ms) => ms).filter((ms) =>
        spans.some(({ fromMs, toMs }) => fromMs <= ms && ms < toMs),
      );
      expect(billedMs(meterOf(spans), 100)).toBe(covered.length);
    }),
  );
});

test("a vCPU-second is 1 CU, a GB-second 0.15 CU, and a CU 0.00011 CNY", () => {
  expect(costOf(1, { cpu: 1, memoryMb: 0 }).cu).toBe(1);
  expect(costOf(1, { cpu: 0, memoryMb: 1024 }).cu).toBe(0.15);
  expect(costOf(1, { cpu: 1, memoryMb: 0 }).cny).toBe(0.00011);
});

test("half a vCPU with 512 MB costs about 5.46 CNY a day", () => {
  const { cny } = costOf(24 * 3600, { cpu: 0.5, memoryMb: 512 });
  expect(cny).toBeCloseTo(5.4648, 3);
});
