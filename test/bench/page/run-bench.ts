import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Report } from "../report.ts";
import { type Run, reportShape } from "./results.ts";

const repository = fileURLToPath(new URL("../../..", import.meta.url));
/** So that one that hangs does not take the others' time. */
const LONGEST_MS = 300_000;

/** Runs a bench as a process of its own. Never rejects: what went wrong is part of the result. */
export async function runBench(bench: string, options: Readonly<Record<string, number>>): Promise<Run> {
  const startMs = performance.now();
  const { stdout, stderr, problem } = await runProcess(bench, options);
  const seconds = Math.round((performance.now() - startMs) / 1000);
  const run = { bench, options, seconds, date: new Date().toISOString().slice(0, 10) };
  const report = problem === undefined ? readReport(stdout) : undefined;
  return report === undefined ? { ...run, error: problem ?? lastError(stderr) } : { ...run, report };
}

/** The report that a bench prints with `--json`; undefined where there is none. */
function readReport(stdout: string): Report | undefined {
  const line = stdout.split("\n").find((text) => text.startsWith("{"));
  try {
    return reportShape.safeParse(JSON.parse(line ?? "null")).data;
  } catch {
    return undefined;
  }
}

interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  /** Why it was ended; undefined where it ended by itself. */
  readonly problem?: string;
}

async function runProcess(bench: string, options: Readonly<Record<string, number>>): Promise<Ended> {
  const args = ["--import", "tsx", "--conditions=@holdfast/source", "test/bench/main.ts", bench, "--json"];
  const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  // A group of its own: its servers and clients end with it, however it ends.
  const child = spawn(process.execPath, [...args, ...given], {
    cwd: repository,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let problem: string | undefined;
  const end = () => endGroup(child.pid);
  const timer = setTimeout(() => {
    problem = `it took longer than ${LONGEST_MS / 1000} s`;
    end();
  }, LONGEST_MS);
  process.on("exit", end);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  try {
    await new Promise((resolve) => child.once("close", resolve).once("error", resolve));
  } finally {
    clearTimeout(timer);
    process.off("exit", end);
    end();
  }
  return problem === undefined ? { stdout, stderr } : { stdout, stderr, problem };
}

/** Ends what is left of a group of processes. */
function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}

/** The last error that a process printed, without its stack and without the paths of the machine. */
export function lastError(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim());
  const error = lines.findLast((line) => /^(?:\w*Error|WaitTimeout|AssertionError)\b.*: /.test(line));
  const told = error ?? lines.findLast((line) => line !== "" && !line.startsWith("at ")) ?? "it printed nothing";
  return withoutPaths(told);
}

/** A text in which only the last part of each path is left. */
export function withoutPaths(text: string): string {
  return text.replace(/(?:file:\/\/)?(?:\/[\w.@+-]+)+\/([\w.@+-]+)/g, "$1");
}
