import { limits, type RequestData, type RequestPayload } from "@holdfast/client/protocol";
import type { RoomLog } from "../log/room-log.ts";

/** Reads a page of a room's log: after a position, before one, between two, or the newest. Throws UNAVAILABLE. */
export function readHistory(
  log: RoomLog,
  { room, after, before, limit }: RequestPayload<"history:read">,
  pageBytes: number = limits.pageBytes,
): Promise<RequestData<"history:read">> {
  return log.read(room, {
    ...(after === undefined ? {} : { after }),
    ...(before === undefined ? {} : { before }),
    // The newest messages are asked for once: nothing would tell that some are left.
    ...(after === undefined && before === undefined ? {} : { pageBytes }),
    limit: limit ?? limits.pageMessages,
  });
}
