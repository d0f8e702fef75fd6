import type { RequestData, RequestPayload } from "@holdfast/client/protocol";
import type { Caller } from "./caller.ts";

/** Leaving a room that the connection is not in succeeds, so that a repetition is no mistake. */
export function leaveRoom(
  _parts: unknown,
  { membership }: Caller,
  { room }: RequestPayload<"room:leave">,
): RequestData<"room:leave"> {
  membership.remove(room);
  return {};
}
