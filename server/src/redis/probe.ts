import { ErrorReply } from "redis";
import type { RedisClient } from "./redis-client.ts";
import { isWrongServer, toError } from "./refusals.ts";
import { withinTime } from "./within-time.ts";

/** How long a probe may take; what waits for it waits no longer. */
const probeTimeoutMs = 1_000;

/** What a probe found out about a connection: it serves, it leads to a server that is no master, or it is silent. */
export type Finding =
  | { readonly is: "serving" }
  | { readonly is: "misplaced"; readonly reason: Error }
  | { readonly is: "silent"; readonly reason: Error };

/**
 * Asks the other end whether it serves. Every answer is a sign of life, also a refusal: a Redis that cannot save to its
 * disk refuses even a PING, and yet can be read from.
 */
export async function probe(client: RedisClient): Promise<Finding> {
  try {
    await withinTime(client.probe(), probeTimeoutMs);
  } catch (error) {
    // A cluster redirects what reaches a replica, and one master that loads its data is not the whole cluster.
    if (!client.redirects && isWrongServer(error)) return { is: "misplaced", reason: error };
    if (!(error instanceof ErrorReply)) return { is: "silent", reason: toError(error) };
  }
  return { is: "serving" };
}
