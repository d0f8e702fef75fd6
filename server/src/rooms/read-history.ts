import { limits, type RequestData, type RequestPayload } from "@holdfast/client/protocol";
import type { RoomLog } from "../log/room-log.ts";

/** Reads a page of a room's log: after a position, before one, between two, or the newest. Throws UNAVAILABLE. */
export function readHistory(
  log: RoomLog,
  { room, after, before, limit }: RequestPayload<"history:read">,
): Promise<RequestData<"history:read">> {
  return log.read(room, {
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
    limit: limit ?? limits.pageMessages,
  });
}
