import type { RequestData, RequestPayload } from "@holdfast/client/protocol";
import { checkedData } from "../application/checked-data.ts";
import { refuseDoubtful } from "../clock/doubtful.ts";
import type { Caller } from "./caller.ts";
import type { RequestParts } from "./parts.ts";

/**
 * Tells the members of a room something that is not kept, but not the connection that it comes from. As for a publish, the
 * right to write is enough, through every door: a user who may only write could never join. While Redis is away a signal
 * fails at once and is gone; it is never sent late. Nor is one that may have lain in a buffer while this process stood
 * still; HTTP sees to that itself, since it depends on the platform. Throws UNKNOWN_EVENT, INVALID_PAYLOAD, PAYLOAD_TOO_LARGE and UNAVAILABLE.
 */
export async function sendSignal(
  {
    signals,
    schemas,
    sinceStallMs,
    telemetry,
  }: Pick<RequestParts, "signals" | "schemas" | "sinceStallMs" | "telemetry">,
  { connection, from }: Caller,
  { room, event, data }: RequestPayload<"signal:send">,
): Promise<RequestData<"signal:send">> {
  if (connection !== "" && sinceStallMs !== undefined) refuseDoubtful(sinceStallMs());
  const { json } = checkedData("signal", schemas.of(room).signals, event, data);
  await signals.send(room, { event, dataJson: json, from }, connection);
  telemetry?.signalled(room);
  return {};
}
