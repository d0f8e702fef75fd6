import { RequestError } from "../errors.ts";

/**
 * For this long after a sleep a request may be one that has been lying in a buffer, and that its sender has given up. Its
 * connection does not show that: one that was opened during the sleep is accepted after it.
 */
const doubtfulAfterWakeMs = 1_000;

/** Throws UNAVAILABLE where the process woke a moment ago, so that a request may be old. */
export function refuseDoubtful(sinceWakeMs: number): void {
  const leftMs = Math.ceil(doubtfulAfterWakeMs - sinceWakeMs);
  if (leftMs > 0) throw new RequestError("UNAVAILABLE", "this server slept, and the request may be old", leftMs);
}
