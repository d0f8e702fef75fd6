import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "../arguments.ts";
import { type BenchName, benches, isBench } from "../benches.ts";
import { UsageError } from "../usage-error.ts";
import { describeMachine, describeVersions } from "./machine.ts";
import { writePage } from "./page.ts";
import { formatResults, merge, parseResults, type Results, type Run } from "./results.ts";
import { runBench } from "./run-bench.ts";
import { suite } from "./suite.ts";

const docs = fileURLToPath(new URL("../../../docs", import.meta.url));
const all = Object.keys(benches).filter(isBench);

/** `npm run bench report`: measures what it is told, all by default, and writes the page and the results beside it. */
export async function runReport(args: string[]): Promise<void> {
  const text = { type: "string" as const };
  const given = parse(args, { quick: text, only: text, from: text, into: text });
  const into = typeof given.into === "string" ? given.into : docs;
  const [page, data] = [join(into, "bench.html"), join(into, "bench.json")];
  if (typeof given.from === "string") {
    writeFileSync(page, writePage(parseResults(readFileSync(given.from, "utf8"))));
    return;
  }
  const isQuick = given.quick !== undefined && given.quick !== "0";
  const names = typeof given.only === "string" ? given.only.split(",").map(known) : all;
  const older = names === all || !existsSync(data) ? undefined : parseResults(readFileSync(data, "utf8"));
  const head = { machine: describeMachine(), versions: describeVersions(), isQuick };
  if (older !== undefined) requireSameMachine(older, head.machine);
  // A bench ends with this process only where it ends by itself.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
  const runs: Run[] = [];
  for (const [index, name] of names.entries()) {
    runs.push(await runAndTell(name, isQuick, `${index + 1} of ${names.length}`));
    // After each, so that what was measured is there when the rest is given up.
    const results = merge(older, { ...head, runs }, all);
    writeFileSync(data, formatResults(results));
    writeFileSync(page, writePage(results));
  }
  console.error(`Written: ${page} and ${data}`);
  const failed = runs.filter(({ error, report }) => error !== undefined || (report?.failures.length ?? 0) > 0);
  if (failed.length === 0) return;
  console.error(`Failed, as the page says: ${failed.map(({ bench }) => bench).join(", ")}`);
  process.exitCode = 1;
}

function known(name: string): BenchName {
  if (isBench(name)) return name;
  throw new UsageError(`--only: there is no bench "${name}"; there are ${all.join(", ")}`);
}

/** Results of two machines on one page would be compared, and say nothing. */
function requireSameMachine({ machine }: Results, now: Results["machine"]): void {
  if (machine.cpu === now.cpu && machine.cores === now.cores) return;
  const those = `${machine.cpu} with ${machine.cores} cores`;
  throw new UsageError(
    `--only: the other results were measured on ${those}. Measure all of them here, without --only.`,
  );
}

async function runAndTell(name: BenchName, isQuick: boolean, which: string): Promise<Run> {
  const { options, quick } = suite[name];
  const startMs = performance.now();
  const elapsed = () => `${Math.round((performance.now() - startMs) / 1000)} s`;
  const isTerminal = process.stderr.isTTY;
  const tell = (text: string) => process.stderr.write(isTerminal ? `\r${text}\x1b[K` : text);
  tell(`${which}: ${name} …`);
  const timer = setInterval(() => isTerminal && tell(`${which}: ${name} … ${elapsed()}`), 1_000);
  const run = await runBench(name, isQuick ? { ...options, ...quick } : options);
  clearInterval(timer);
  const failures = run.error === undefined ? (run.report?.failures ?? []) : [run.error];
  tell(
    `${isTerminal ? `${which}: ${name}` : ""} ${elapsed()}${failures.map((failure) => `; FAILED: ${failure}`).join("")}\n`,
  );
  return run;
}
