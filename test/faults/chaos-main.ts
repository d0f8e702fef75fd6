import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeReport, held, type Report } from "./chaos/report.ts";
import { runChaos } from "./chaos/run.ts";

const usage = `npm run chaos -- [--seconds 60] [--seed <number>]

Bad weather for so many seconds, then good weather and a verdict. The same seed gives the same faults at the same
times; which message meets which fault differs from run to run.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string", default: "60" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const options = { seconds: wholeNumber("seconds", values.seconds), seed: wholeNumber("seed", values.seed) };
  execFileSync(process.execPath, ["scripts/build.mjs", "--if-missing"], { stdio: "inherit" });
  console.log(`seed ${options.seed}, ${options.seconds} s of faults`);
  const report = await runChaos(options);
  console.log(describeReport(report));
  if (held(report)) return;
  process.exitCode = 1;
  console.log(`what happened: ${await keep(report)}`);
}

/** Writes down what a verdict was reached from, and tells where. */
async function keep({ seed, history, problems, instanceOutputs }: Report): Promise<string> {
  const folder = join(tmpdir(), `holdfast-chaos-${seed}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "history.json"), JSON.stringify({ problems, ...history }, undefined, 1));
  await Promise.all(instanceOutputs.map((output, number) => writeFile(join(folder, `instance-${number}.log`), output)));
  return folder;
}

function wholeNumber(name: string, text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0)) throw new Error(`--${name}: expected a whole number, got "${text}"`);
  return value;
}

await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
