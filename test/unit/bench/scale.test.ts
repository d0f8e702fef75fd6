import { expect, test } from "vitest";
import { whyTooMany } from "../../bench/rig/system-limits.ts";
import { fitLine } from "../../bench/scale/fit.ts";
import { growthReport } from "../../bench/scale/growth-report.ts";
import type { Step } from "../../bench/scale/growth-step.ts";

test.each([
  ["they fit", 10_000, { openFiles: 20_000, ports: 28_232 }, undefined],
  ["there are too few files", 10_000, { openFiles: 1_024, ports: 28_232 }, 'run "ulimit -n 10100"'],
  ["there are too few ports", 40_000, { openFiles: 100_000, ports: 28_232 }, "net.ipv4.ip_local_port_range"],
])("connections are refused with the next step, or not: %s", (_, connections, limits, step) => {
  const problem = whyTooMany(connections, limits);
  if (step === undefined) expect(problem).toBeUndefined();
  else expect(problem).toContain(step);
});

test("a number of connections that was proposed is possible", () => {
  const limits = { openFiles: 1_024, ports: 28_232 };
  const proposed = Number(/--clients (\d+)/.exec(whyTooMany(10_000, limits) ?? "")?.[1]);
  expect(proposed).toBeGreaterThan(0);
  expect(whyTooMany(proposed, limits)).toBeUndefined();
});

test("a line is found in points that lie on it, and nothing in a single one", () => {
  const fit = fitLine([1, 2, 10].map((x) => ({ x, y: 50 + 3 * x })));
  expect(fit.base).toBeCloseTo(50);
  expect(fit.each).toBeCloseTo(3);
  expect(fitLine([{ x: 1, y: 1 }]).each).toBeNaN();
});

const step = (size: number, serverUsPerMessage: number): Step => ({
  size,
  load: { rooms: 1, members: size, rate: 100 },
  serverUsPerDelivery: serverUsPerMessage / size,
  redisUsPerDelivery: 1,
  serverUsPerMessage,
  redisUsPerMessage: 100 + size,
  p50Ms: 1,
  p99Ms: 2,
  logBytesPerMessage: Number.NaN,
  failures: [],
});

test("growth gives the unit costs of the capacity model, and says at which step a message went wrong", () => {
  const curves = {
    members: [step(10, 520), step(100, 700)],
    rooms: [],
    instances: [step(1, 500), step(2, 600)],
    history: [{ ...step(1_000, 500), logBytesPerMessage: 190, failures: ["3 deliveries are missing"] }],
  };
  const { figures, failures } = growthReport(curves, { publishUs: 300, receiveUs: 150, redisUs: 101 });
  const units = figures.filter(({ name }) => name.startsWith("unit: ")).map(({ values }) => values.slice(0, 2));
  expect(units).toEqual([
    [300, 100],
    [148, 1],
    [2, null],
    [null, 190],
  ]);
  expect(failures).toEqual(["messages in the log: 1,000: 3 deliveries are missing"]);
});
