import { elapsedMs, type Moment } from "./elapsed.ts";

/** Node's longest timer; a longer one would fire at once. Longer waits are cut into parts. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Calls back when `delayMs` have passed since a moment, by the clock that has gone further: a clock that is set back
 * delays nothing, and a machine that slept has used up the time. After a freeze a timer may fire late or early, so it
 * looks at the clocks when it fires, and waits again if it is too early.
 *
 * @returns a function that cancels the call
 */
export function whenElapsed(since: Moment, delayMs: number, callback: () => void): () => void {
  let timer: NodeJS.Timeout | undefined;
  const wait = (): void => {
    const leftMs = Math.ceil(delayMs - elapsedMs(since));
    if (leftMs <= 0) {
      callback();
      return;
    }
    timer = setTimeout(wait, Math.min(leftMs, longestTimerMs));
    timer.unref();
  };
  wait();
  // Node.js keeps the list of each duration's timers until that has passed, unless its last timer counted as a reason to
  // stay alive when it was cleared. A list for every connection that is gone, for as long as a token lasts, is a leak.
  return () => clearTimeout(timer?.ref());
}
