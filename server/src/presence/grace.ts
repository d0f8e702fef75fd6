/** The longest time for which a member is shown after its connection was last heard from. */
const longestUnheardMs = 15_000;
/** The least time for a client to come back: its own time-out and the server's may end at the same moment. */
const shortestGraceMs = 2_000;

/**
 * For how long a session stays a member after its connection broke. A client that is back within this time was never seen
 * to leave.
 *
 * @param unheardMs - time between the last packet from the connection and its end
 */
export function graceMs(unheardMs: number, settingMs: number): number {
  return Math.min(settingMs, Math.max(longestUnheardMs - unheardMs, shortestGraceMs));
}

/** After a sleep of the instance: whether a member whose connection was last heard from this long ago is still shown. */
export function isStillShown(unheardMs: number): boolean {
  return unheardMs < longestUnheardMs;
}

/** How a connection ended. */
export type Ending =
  /** It broke: its client may be back in a moment. */
  | "broken"
  /** Its client closed it, or the server did, for good. */
  | "closed";
