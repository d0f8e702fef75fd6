import type { RequestData, RequestPayload } from "@holdfast/client/protocol";
import type { Caller } from "./caller.ts";
import type { RequestParts } from "./parts.ts";

/** Leaving a room that the connection is not in succeeds, so that a repetition is no mistake. */
export function leaveRoom(
  { presence }: Pick<RequestParts, "presence">,
  { membership, connection }: Caller,
  { room }: RequestPayload<"room:leave">,
): RequestData<"room:leave"> {
  membership.remove(room);
  presence?.leave(connection, room);
  return {};
}
