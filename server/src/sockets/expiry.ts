import { elapsedMs, type Moment } from "../elapsed.ts";

/** When a connection that the platform cuts at a deadline is told to move. */
const spreadShare = 0.25;
const longestSpreadMs = 10 * 60_000;
const marginShare = 0.25;
const longestMarginMs = 30_000;

/**
 * How long after its opening a connection is told to move, for a lifetime of `lifetimeMs` and a random number from 0
 * to 1. The latest moment leaves a margin for the move itself: a quarter of the lifetime, at most 30 s. Before it lies
 * a spread of another quarter, at most 10 min, so that connections that were opened together do not move together.
 */
export function noticeDelayMs(lifetimeMs: number, random: number): number {
  const latestMs = lifetimeMs - Math.min(lifetimeMs * marginShare, longestMarginMs);
  const spreadMs = Math.min(lifetimeMs * spreadShare, longestSpreadMs);
  return Math.round(latestMs - spreadMs * random);
}

/**
 * The lifetime of a connection in milliseconds: what the platform says of this very request, else the setting, else
 * none. Function Compute sends the function's timeout in seconds as `x-fc-function-timeout`.
 */
export function lifetimeMs(
  header: string | string[] | undefined,
  settingSeconds: number | undefined,
): number | undefined {
  const seconds = typeof header === "string" && /^\d+(\.\d+)?$/.test(header) ? Number(header) : 0;
  const known = seconds > 0 && seconds <= 86_400 ? seconds : settingSeconds;
  return known === undefined ? undefined : known * 1000;
}

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
  let timer: NodeJS.Timeout;
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
  return () => clearTimeout(timer);
}
