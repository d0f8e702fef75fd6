/**
 * What is known about one channel on the current connection.
 *
 * - `unsubscribed`: nothing was asked of Redis, or Redis confirmed the end.
 * - `subscribed`: Redis confirmed the subscription.
 * - `unknown`: a command had no answer, so that Redis may still carry it out, or the connection is another one.
 * - `deaf`: subscribed as Redis confirmed, and yet messages were lost.
 */
export type ChannelState = "unsubscribed" | "subscribed" | "unknown" | "deaf";

export type ChannelStep = "subscribe" | "unsubscribe" | "forget" | "none";

/** What to do next about a channel. Subscribing or unsubscribing again is harmless, so that is what is done in doubt. */
export function nextStep(state: ChannelState, { isWanted }: { readonly isWanted: boolean }): ChannelStep {
  if (!isWanted) return state === "unsubscribed" ? "forget" : "unsubscribe";
  // node-redis sends nothing for a channel that it takes for subscribed: that one has to be ended first.
  if (state === "deaf") return "unsubscribe";
  return state === "subscribed" ? "none" : "subscribe";
}
