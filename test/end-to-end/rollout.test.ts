import { expect, test } from "vitest";
import { ManagedProcess } from "../support/managed-process.ts";
import { withTimeout } from "../support/wait.ts";

/** The benchmark's own report, of a deployment that is small enough for any machine. */
async function rolloutReport(surge: number): Promise<{ readonly failures: unknown; readonly figures: Figures }> {
  const options = { clients: 60, instances: 3, rate: 20, drain: 5, grace: 10, surge, stock: 0 };
  await using bench = new ManagedProcess({
    command: process.execPath,
    args: [
      ...["--import", "tsx", "--conditions=@holdfast/source", "test/bench/main.ts", "rollout", "--json"],
      ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
    ],
    env: { PATH: process.env.PATH },
  });
  await withTimeout(bench.exit, "the rollout", 100_000);
  const report = bench.output.split("\n").find((line) => line.startsWith("{"));
  if (report === undefined) throw new Error(`expected a report, got:\n${bench.output}`);
  return JSON.parse(report);
}

type Figures = readonly { readonly name: string; readonly values: readonly number[] }[];

test.each([
  ["one by one", 0],
  ["each new one before the old one goes", 1],
])(
  "all instances are replaced under load, %s: nothing is lost, repeated or out of order, nobody is cut",
  {
    timeout: 120_000,
  },
  async (_, surge) => {
    const { failures, figures } = await rolloutReport(surge);
    const figure = (name: string) => figures.find((one) => one.name === name)?.values[0];
    expect(failures).toEqual([]);
    expect(figure("moves of a client, mean")).toBeGreaterThanOrEqual(1);
    expect(figure("moves of a client, most")).toBeLessThanOrEqual(2);
  },
);
