import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../support/random.ts";
import { cloudRunBill, functionComputeBill } from "./bill.ts";
import { forecast, type Plan } from "./forecast.ts";
import { TimeLine } from "./time-line.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));

/** Runs `npm run cost` with these arguments. */
function cost(...args: string[]): Promise<{ readonly code: number; readonly output: string }> {
  return new Promise((resolve) => {
    execFile("npm", ["run", "--silent", "cost", "--", ...args], { cwd: repository }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
}

const plan: Plan = {
  connections: 1,
  hours: 1,
  arrivalSeconds: 0,
  lifetimeSeconds: 600,
  instanceConcurrency: 1,
  maxInstances: 300,
};
const size = { cpu: 0.5, memoryMb: 512 };
const day = { ...size, hours: 24, calls: 0, minInstances: 0 };

test("what is due happens in its order, whatever the order in which it was planned", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(1_000)), fc.nat(1_000), (times, untilMs) => {
      const line = new TimeLine();
      const happened: number[] = [];
      for (const time of times) line.at(time, (nowMs) => happened.push(nowMs));
      line.run(untilMs);
      expect(happened).toEqual(times.filter((time) => time <= untilMs).sort((a, b) => a - b));
    }),
  );
});

test("a connection alone on its instances is billed for its time, and for the moment of each move twice", () => {
  const found = forecast(plan, seededRandom(1));
  expect(found.moves).toBeGreaterThanOrEqual(6);
  expect(found.calls).toBe(found.moves + 1);
  expect(found.billedSeconds).toBeCloseTo(3_600 + found.moves, 0);
  expect(found.spans.reduce((sum, { billedSeconds }) => sum + billedSeconds, 0)).toBeCloseTo(found.billedSeconds, 3);
  expect(found.mostInstances).toBe(2);
});

test("connections that share an instance share its bill", () => {
  const alone = forecast({ ...plan, connections: 100 }, seededRandom(1));
  const shared = forecast({ ...plan, connections: 100, instanceConcurrency: 100 }, seededRandom(1));
  expect(alone.billedSeconds / shared.billedSeconds).toBeGreaterThan(40);
  expect(shared.refused).toBe(0);
});

test("connections above what the instances hold are refused, and come again when theirs are cut", () => {
  const found = forecast({ ...plan, connections: 3, maxInstances: 2 }, seededRandom(1));
  expect(found.refused).toBeGreaterThan(0);
  expect(found.mostInstances).toBe(2);
});

test("the bills are those of the price lists", () => {
  // The guide's figures: one instance that is never without a connection, and a minimum instance that idles.
  expect(functionComputeBill({ ...day, billedSeconds: 86_400 }).total).toBeCloseTo(5.46, 2);
  expect(functionComputeBill({ ...day, billedSeconds: 0, minInstances: 1 }).total).toBeCloseTo(0.71, 2);
  expect(functionComputeBill({ ...day, billedSeconds: 0, calls: 1, hours: 1 }).total).toBeCloseTo(0.01, 6);
  expect(functionComputeBill({ ...day, billedSeconds: 86_400, calls: 10_000 }).lines).toContainEqual({
    what: "calls",
    amount: 0.00825,
  });
  expect(cloudRunBill({ ...day, billedSeconds: 1_000_000, calls: 1_000_000 }).total).toBeCloseTo(24 + 1.25 + 0.4, 6);
});

test("npm run cost prints the time line and the bills of a file, and draws them", async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-cost-"));
  try {
    const svg = join(folder, "cost.svg");
    const { output, code } = await cost("s.yaml", "--connections", "50", "--hours", "2", "--svg", svg);
    expect(code).toBe(0);
    expect(output).toContain(
      "50 connections for 2 h, 100 on an instance of 0.5 vCPU and 512 MB, each cut after 3,600 s",
    );
    expect(output).toMatch(/together +0\.46 CNY/);
    expect(await readFile(svg, "utf8")).toMatch(/^<svg [\s\S]*billed seconds[\s\S]*<\/svg>\n$/);
    const wrong = await cost("--connections", "many");
    expect(wrong.code).toBe(1);
    expect(wrong.output).toContain('--connections: expected a number from 1 to 1000000, got "many"');
  } finally {
    await rm(folder, { recursive: true });
  }
});
