import { evaluate } from "../../support/inspector.ts";
import type { ServerProcess } from "../../support/server-process.ts";

const RESOLUTION_MS = 20;

/** How late the timers of a server's event loop are, in milliseconds. */
export interface LoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly longestMs: number;
}

/**
 * Begins to measure in any Node.js server that was started with `inspectable`, and gives what reads it. Node.js measures
 * the time between two of its timers, which is subtracted.
 */
export async function watchLoopDelay(server: ServerProcess): Promise<() => Promise<LoopDelay>> {
  const create = `process.getBuiltinModule("node:perf_hooks").monitorEventLoopDelay({ resolution: ${RESOLUTION_MS} })`;
  await evaluate(server, `globalThis.benchLoopDelay = ${create}, benchLoopDelay.enable(), 0`);
  const read = async (of: string) =>
    Math.max(0, (await evaluate(server, `benchLoopDelay.${of}`)) / 1e6 - RESOLUTION_MS);
  return async () => {
    await evaluate(server, "benchLoopDelay.disable(), 0");
    return { p50Ms: await read("percentile(50)"), p99Ms: await read("percentile(99)"), longestMs: await read("max") };
  };
}
