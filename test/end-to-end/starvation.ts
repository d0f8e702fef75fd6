import { readFileSync } from "node:fs";

/**
 * Finds out whether the machine gave processes the time they asked for: the largest share of time, over all of them,
 * that a main thread was ready to run and had to wait for a processor (Linux only; see proc(5), schedstat).
 *
 * @returns a function that gives the share since this call
 */
export function watchStarvation(pids: readonly number[]): () => number {
  const startMs = performance.now();
  const before = pids.map(waitedMs);
  return () => {
    const elapsedMs = performance.now() - startMs;
    return Math.max(...pids.map((pid, index) => (waitedMs(pid) - (before[index] ?? 0)) / elapsedMs));
  };
}

function waitedMs(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ")[1]) / 1e6;
}
