/** A member is shown for so long after its connection was heard last, at most. */
const longestUnheardMs = 15_000;
/** A client that hears of the same time-out as the server has this long to come back, at least. */
const shortestGraceMs = 2_000;

/**
 * How long a connection that was closed keeps its session a member: so long a client may take to come back without being
 * seen to leave.
 *
 * @param unheardMs - how long before the close it was heard last
 */
export function graceMs(unheardMs: number, settingMs: number): number {
  return Math.min(settingMs, Math.max(longestUnheardMs - unheardMs, shortestGraceMs));
}

/** Whether a connection that was heard last so long ago is still shown, after a sleep of its instance. */
export function isStillShown(unheardMs: number): boolean {
  return unheardMs < longestUnheardMs;
}

/** How a connection ended. */
export type Ending =
  /** It broke: its client may be back in a moment. */
  | "broken"
  /** Its client closed it, or the server did, for good. */
  | "closed";
