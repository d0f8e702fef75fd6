import type { RequestData, RequestPayload, Sender } from "@holdfast/client/protocol";
import { checkedData } from "../application/checked-data.ts";
import type { ContractSchemas } from "../application/schemas.ts";
import { signalFrame } from "../broadcast/frame.ts";
import type { SignalChannel } from "../broadcast/signal-channel.ts";
import { RequestError } from "../errors.ts";
import type { Caller } from "./caller.ts";

export interface SignalParts {
  readonly signals: SignalChannel;
  readonly schemas: ContractSchemas;
}

/**
 * Tells the other members of a room something that is not kept. While Redis is away a signal fails at once and is
 * gone; it is never sent late. Throws NOT_JOINED, UNKNOWN_EVENT, INVALID_PAYLOAD, PAYLOAD_TOO_LARGE and UNAVAILABLE.
 */
export async function sendSignal(
  parts: SignalParts,
  { membership, connection, from }: Caller,
  payload: RequestPayload<"signal:send">,
): Promise<RequestData<"signal:send">> {
  const { room } = payload;
  if (!membership.has(room)) {
    throw new RequestError("NOT_JOINED", `expected a room that this connection is in, got ${room}`);
  }
  await broadcastSignal(parts, from, payload, connection);
  return {};
}

/** Tells every member of a room but one connection. Throws as {@link sendSignal}, membership apart. */
export async function broadcastSignal(
  { signals, schemas }: SignalParts,
  from: Sender,
  { room, event, data }: RequestPayload<"signal:send">,
  exceptConnection = "",
): Promise<void> {
  const { json } = checkedData(schemas.of(room).signals, event, data);
  const payload = `{"room":"${room}","event":${JSON.stringify(event)},"data":${json},"from":${JSON.stringify(from)}}`;
  await signals.send(room, signalFrame(room, exceptConnection, payload));
}
