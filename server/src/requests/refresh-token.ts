import type { RequestData, RequestPayload } from "@holdfast/client/protocol";
import type { Caller } from "./caller.ts";

/**
 * Lets the connection go on with a fresh token, and with its rights. Throws FORBIDDEN where it is another user's, and
 * UNAUTHENTICATED, TOKEN_EXPIRED and UNAVAILABLE as a handshake does; the token before then goes on counting.
 */
export async function refreshToken(
  _parts: unknown,
  caller: Caller,
  { token }: RequestPayload<"token:refresh">,
): Promise<RequestData<"token:refresh">> {
  return { expiresAtMs: await caller.refreshToken(token), user: caller.identity.user };
}
