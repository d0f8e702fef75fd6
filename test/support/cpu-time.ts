import { readdirSync, readFileSync } from "node:fs";

interface Measurable {
  readonly pid: number;
}

/**
 * CPU time that all threads of the processes have used so far, in microseconds, exact to the scheduler's nanoseconds
 * (Linux only; /proc/<pid>/stat counts in steps of 10 ms, too coarse for what an idle process uses).
 */
export function cpuMicroseconds(processes: readonly Measurable[]): number {
  return processes.reduce((sum, { pid }) => sum + processMicroseconds(pid), 0);
}

function processMicroseconds(pid: number): number {
  const tasks = readdirSync(`/proc/${pid}/task`);
  return tasks.reduce((sum, task) => sum + threadNanoseconds(`/proc/${pid}/task/${task}/schedstat`), 0) / 1000;
}

function threadNanoseconds(file: string): number {
  return Number(readFileSync(file, "utf8").split(" ")[0]);
}
