import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { Count } from "./tally.ts";

/**
 * How often the delay is measured. Node.js measures the time between two of its timers, which includes this; after it
 * was read, from the next one on.
 */
const resolutionMs = 20;
const nanosecondsPerSecond = 1e9;

/** How late the event loop of this process is with its timers, while somebody wants to know. */
export class EventLoopDelay {
  #monitor: IntervalHistogram | undefined;

  start(): void {
    this.#monitor = monitorEventLoopDelay({ resolution: resolutionMs });
    this.#monitor.enable();
  }

  stop(): void {
    this.#monitor?.disable();
  }

  /** The median, the 99th percentile and the longest delay since it was read before, in seconds. */
  read(): readonly Count[] {
    const monitor = this.#monitor;
    const isMeasured = monitor !== undefined && monitor.count > 0;
    const counts = [0.5, 0.99, 1].map((quantile) => ({
      labels: { quantile: String(quantile) },
      value: isMeasured ? secondsAt(monitor, quantile) : 0,
    }));
    // What has begun since the last timer would be lost with nothing to show for it.
    if (isMeasured) monitor.reset();
    return counts;
  }
}

function secondsAt(monitor: IntervalHistogram, quantile: number): number {
  const nanoseconds = quantile === 1 ? monitor.max : monitor.percentile(100 * quantile);
  return Math.max(0, nanoseconds / nanosecondsPerSecond - resolutionMs / 1000);
}
