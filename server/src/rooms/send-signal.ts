import { contract } from "@holdfast/client/contract";
import type { RequestData, RequestPayload } from "@holdfast/client/protocol";
import { RequestError } from "../errors.ts";
import { signalFrame } from "../log/frame.ts";
import type { Caller } from "./caller.ts";
import { checkedJson } from "./checked-json.ts";
import type { SignalChannel } from "./signal-channel.ts";

/**
 * Tells the other members of a room something that is not kept. While Redis is away a signal fails at once and is
 * gone; it is never sent late. Throws NOT_JOINED, UNKNOWN_EVENT, INVALID_PAYLOAD, PAYLOAD_TOO_LARGE and UNAVAILABLE.
 */
export async function sendSignal(
  signals: SignalChannel,
  { membership, connection, from }: Caller,
  { room, event, data }: RequestPayload<"signal:send">,
): Promise<RequestData<"signal:send">> {
  if (!membership.has(room))
    throw new RequestError("NOT_JOINED", `expected a room that this connection is in, got ${room}`);
  const dataJson = checkedJson(contract.signals, event, data);
  const payload = `{"room":"${room}","event":${JSON.stringify(event)},"data":${dataJson},"from":${JSON.stringify(from)}}`;
  await signals.send(room, signalFrame(room, connection, payload));
  return {};
}
