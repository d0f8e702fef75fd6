import type { Position, RequestData, RequestPayload, Sender } from "@holdfast/client/protocol";
import { RequestError } from "../errors.ts";
import type { RoomLog } from "../log/room-log.ts";

/**
 * Puts a message into a room's log, from where it reaches every member. `dataJson` was checked by the contract. Answers
 * after the append, so that what is acknowledged is stored. Throws OUT_OF_ORDER, RATE_LIMITED and UNAVAILABLE; after the
 * last, the message may be stored: sent again with the same id, it is stored once. `onStored` is told of what was stored
 * by this call, with the rest of its JSON, and not of a repeat.
 */
export async function publishMessage(
  log: RoomLog,
  from: Sender,
  { room, id, event, after }: Omit<RequestPayload<"message:publish">, "data">,
  dataJson: string,
  onStored?: (room: string, position: Position, body: string) => void,
): Promise<RequestData<"message:publish">> {
  const body = `"id":"${id}","event":${JSON.stringify(event)},"data":${dataJson},"from":${JSON.stringify(from)},"sentAtMs":${Date.now()}}`;
  const outcome = await log.append(room, { id, after: after ?? "", body, bytes: Buffer.byteLength(body) });
  if (outcome === "out-of-order") {
    throw new RequestError("OUT_OF_ORDER", `the publish ${after} that this one follows is not stored`);
  }
  if (!outcome.duplicate) onStored?.(room, outcome.position, body);
  return { position: outcome.position, duplicate: outcome.duplicate };
}
