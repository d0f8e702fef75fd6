import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { OldMaster } from "./chaos/fault.ts";
import type { History, Problem } from "./chaos/history.ts";
import { describeReport, held } from "./chaos/report.ts";
import { runChaos } from "./chaos/run.ts";
import { describeFailovers, failoversHeld } from "./failovers/failover-report.ts";
import { runFailovers } from "./failovers/run-failovers.ts";
import {
  describePresence,
  type PresenceChaosReport,
  presenceHeld,
  runPresenceChaos,
} from "./presence-chaos/run-presence.ts";

const usage = `npm run chaos -- [--seconds 60] [--seed <number>] [--cluster]
npm run chaos -- --long [--seed <number>] [--cluster]
npm run chaos -- --presence [--seconds 60] [--seed <number>]
npm run chaos -- --failovers 200 [--seed <number>] [--old-master dies|demoted]

Bad weather for so many seconds, then good weather and a verdict. With --long an instance is frozen for longer than ids
are remembered, which takes more than five minutes. With --failovers so many failovers of Redis that lose the last
moment, and as many that lose nothing. With --presence the members of rooms are looked at instead of messages. The same seed gives the same faults at the same times; which message meets which
fault differs from run to run.`;

const SECONDS = "60";
const LONG_SECONDS = "300";

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: "string" },
      cluster: { type: "boolean", default: false },
      presence: { type: "boolean", default: false },
      long: { type: "boolean", default: false },
      failovers: { type: "string" },
      "old-master": { type: "string", multiple: true, default: ["dies", "demoted"] },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return console.log(usage);
  const seed = wholeNumber("seed", values.seed);
  const count = values.failovers === undefined ? undefined : wholeNumber("failovers", values.failovers);
  execFileSync(process.execPath, ["scripts/build.mjs", "--if-missing"], { stdio: "inherit" });
  const seconds = wholeNumber("seconds", values.seconds ?? (values.long ? LONG_SECONDS : SECONDS));
  if (values.presence) await presence({ seed, seconds });
  else if (count === undefined) await chaos({ seed, seconds, isCluster: values.cluster, isLong: values.long });
  else await failovers({ seed, count, oldMasters: values["old-master"].map(oldMaster) });
}

async function chaos(options: Parameters<typeof runChaos>[0]): Promise<void> {
  console.log(`seed ${options.seed}, ${options.seconds} s of faults`);
  const report = await runChaos(options);
  console.log(describeReport(report));
  if (!held(report))
    await fail(
      options.seed,
      { problems: report.verdict.problems, histories: [report.history] },
      report.instanceOutputs,
    );
}

async function presence(options: Parameters<typeof runPresenceChaos>[0]): Promise<void> {
  console.log(`seed ${options.seed}, ${options.seconds} s of faults`);
  const report = await runPresenceChaos(options);
  console.log(describePresence(report));
  if (!presenceHeld(report)) await fail(options.seed, report, report.instanceOutputs);
}

async function failovers(options: Parameters<typeof runFailovers>[0]): Promise<void> {
  console.log(`seed ${options.seed}, ${options.count} failovers with and as many without losses`);
  const report = await runFailovers({ ...options, log: console.log });
  console.log(describeFailovers(report));
  const problems = report.phases.flatMap(({ verdict }) => verdict.problems);
  const histories = report.phases.map(({ history }) => history);
  if (!failoversHeld(report)) await fail(report.seed, { problems, histories }, report.instanceOutputs);
}

/** Writes down what a verdict was reached from, and tells where. */
async function fail(
  seed: number,
  what: { readonly problems: readonly Problem[]; readonly histories: readonly History[] } | PresenceChaosReport,
  instanceOutputs: readonly string[],
): Promise<void> {
  process.exitCode = 1;
  const folder = join(tmpdir(), `holdfast-chaos-${seed}`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "history.json"), JSON.stringify(what, undefined, 1));
  await Promise.all(instanceOutputs.map((output, number) => writeFile(join(folder, `instance-${number}.log`), output)));
  console.log(`what happened: ${folder}`);
}

function oldMaster(name: string): OldMaster {
  if (name === "dies" || name === "demoted") return name;
  throw new Error(`--old-master: expected dies or demoted, got "${name}"`);
}

function wholeNumber(name: string, text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 0)) throw new Error(`--${name}: expected a whole number, got "${text}"`);
  return value;
}

await main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
