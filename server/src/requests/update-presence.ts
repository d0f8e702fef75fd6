import type { RequestData, RequestPayload } from "@holdfast/client/protocol";
import { checkedState } from "../application/checked-state.ts";
import { RequestError } from "../errors.ts";
import type { Caller } from "./caller.ts";
import type { RequestParts } from "./parts.ts";

/**
 * Changes a member's state, makes one of who was none, or with `state: null` ends the membership. Throws NOT_JOINED,
 * INVALID_PAYLOAD, PAYLOAD_TOO_LARGE and UNAVAILABLE.
 */
export async function updatePresence(
  { presence, schemas }: Pick<RequestParts, "presence" | "schemas">,
  { identity, membership, connection }: Caller,
  { room, state }: RequestPayload<"presence:update">,
): Promise<RequestData<"presence:update">> {
  const { session, user } = identity;
  if (!membership.has(room) || session === null || presence === undefined) {
    throw new RequestError("NOT_JOINED", `expected a room that this connection is in, got ${room}`);
  }
  if (state === null) await presence.withdraw(connection, room);
  else await presence.update({ connection, session, user }, room, checkedState(schemas.of(room).presence, state));
  return {};
}
