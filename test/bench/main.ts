import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { readArguments, usage } from "./arguments.ts";
import { benches, isBench } from "./benches.ts";
import { runReport } from "./page/command.ts";
import { formatReport } from "./report.ts";
import { UsageError } from "./usage-error.ts";

// `npm run bench <name> [-- --json] [--option number]`: measures, prints, and fails when messages went wrong. A slow
// machine never fails a run. `npm run bench report` measures all, and writes the page.

const built = fileURLToPath(new URL("../../app/dist/main.mjs", import.meta.url));

try {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined) console.log(usage());
  else if (name === "report") await runReport(args);
  else await runBench(name, args);
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = 1;
}

async function runBench(name: string, args: string[]): Promise<void> {
  if (!isBench(name)) throw new UsageError(`There is no bench "${name}".\n\n${usage()}`);
  const bench = benches[name];
  const { json, values } = readArguments(bench, args);
  if (!existsSync(built)) throw new UsageError("There is no app/dist/main.mjs to measure. Run `npm run build` first.");
  const report = await bench.run(values);
  if (json) console.log(JSON.stringify({ bench: name, options: values, ...report }));
  else console.log(`\n${name}: ${bench.summary}\n\n${formatReport(report)}`);
  if (report.failures.length > 0) process.exitCode = 1;
}
