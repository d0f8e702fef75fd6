/** Upper bound of the first delay: a retry comes early, and 1,000 clients that were cut at once spread over a second. */
export const FIRST_RETRY_MS = 1000;
/** Upper bound of every delay. */
const MAX_MS = 5000;

/**
 * The delay before attempt number `attempt` (0 for the first retry), in milliseconds: exponential with full jitter,
 * that is evenly spread between 0 and a bound that doubles. Source: Marc Brooker, "Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015.
 */
export function backoffMs(attempt: number, random = Math.random): number {
  return random() * Math.min(MAX_MS, FIRST_RETRY_MS * 2 ** attempt);
}

/**
 * The longest delay behind an attempt of Socket.IO's, by its number (1 for the first): a client is back within two seconds
 * of the end of a short outage, and asks less often in one that has lasted for half a minute.
 */
export function longestDelayMs(attempt: number): number {
  return attempt < 30 ? 1750 : MAX_MS;
}

/** Waits without keeping a Node.js process alive: what the wait is for is an open connection, which does. */
export function sleep(delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer: { unref?: () => unknown } = Object(setTimeout(resolve, delayMs));
    timer.unref?.();
  });
}
