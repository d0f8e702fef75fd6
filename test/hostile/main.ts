import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeReport } from "./report.ts";
import { runHostile } from "./run.ts";

const usage = `npm run hostile -- [--seconds 60] [--seed <number>]
npm run hostile -- --inputs 100000 [--seed <number>]

Attacks a server for so many seconds, or with so many inputs, and looks whether it is as good as before. The same seed
makes the same inputs, batch by batch; which of them meet each other differs from run to run.`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string" },
      inputs: { type: "string" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const seed = wholeNumber("seed", values.seed);
  const inputs = values.inputs === undefined ? undefined : wholeNumber("inputs", values.inputs);
  const seconds = values.seconds ?? (inputs === undefined ? "60" : undefined);
  execFileSync(process.execPath, ["scripts/build.mjs", "--if-missing"], { stdio: "inherit" });
  console.log(`seed ${seed}`);
  const report = await runHostile({
    seed,
    ...(inputs === undefined ? {} : { inputs }),
    ...(seconds === undefined ? {} : { seconds: wholeNumber("seconds", seconds) }),
  });
  console.log(describeReport(report));
  if (report.problems.length === 0) return;
  process.exitCode = 1;
  const file = join(tmpdir(), `holdfast-hostile-${seed}.log`);
  await writeFile(file, report.output);
  console.log(`what the server printed: ${file}`);
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new Error(`--${name}: expected a whole number, got "${text}"`);
}

await main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
