import type { RequestData, RequestPayload } from "@holdfast/client/protocol";
import { checkedData } from "../application/checked-data.ts";
import { signalFrame } from "../broadcast/frame.ts";
import { RequestError } from "../errors.ts";
import type { Caller } from "./caller.ts";
import type { RequestParts } from "./parts.ts";

/**
 * Tells the other members of a room something that is not kept. A connection must be in the room; what has no
 * connection need not. While Redis is away a signal fails at once and is gone; it is never sent late. Throws NOT_JOINED, UNKNOWN_EVENT,
 * INVALID_PAYLOAD, PAYLOAD_TOO_LARGE and UNAVAILABLE.
 */
export async function sendSignal(
  { signals, schemas }: Pick<RequestParts, "signals" | "schemas">,
  { membership, connection, from }: Caller,
  { room, event, data }: RequestPayload<"signal:send">,
): Promise<RequestData<"signal:send">> {
  if (connection !== "" && !membership.has(room)) {
    throw new RequestError("NOT_JOINED", `expected a room that this connection is in, got ${room}`);
  }
  const { json } = checkedData("signal", schemas.of(room).signals, event, data);
  await signals.send(room, signalFrame(room, { event, dataJson: json, from }, connection));
  return {};
}
