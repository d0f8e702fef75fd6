/** The first delay before a client that failed is replaced. */
const shortestDelayMs = 200;
const longestDelayMs = 2_000;
const firstRetryDelayMs = 50;

/** From once to twice the delay, so that instances do not return in step. */
function aboutMs(delayMs: number): number {
  return delayMs * (1 + Math.random());
}

/** How long to wait before a client that could not connect is replaced. */
export function reconnectDelayMs(): number {
  return aboutMs(shortestDelayMs);
}

/**
 * How long to wait after a server that was no master: not at all the first time, since the name may lead elsewhere by
 * now, and then longer and longer, so that neither a replica nor a name that changes to and fro is asked all the time.
 *
 * @param earlier - how many servers in a row were no master before this one
 */
export function misplacedDelayMs(earlier: number): number {
  return earlier === 0 ? 0 : aboutMs(Math.min(longestDelayMs / 2, shortestDelayMs * 2 ** (earlier - 1)));
}

/** Delay before node-redis' own nth reconnection: exponential with full jitter, so that instances do not return in step. */
export function retryDelayMs(retries: number): number {
  const ceilingMs = Math.min(longestDelayMs, firstRetryDelayMs * 2 ** Math.min(retries, 10));
  return Math.ceil(Math.random() * ceilingMs);
}
