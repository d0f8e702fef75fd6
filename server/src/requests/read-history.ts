import { limits, type RequestData, type RequestPayload } from "@holdfast/client/protocol";
import type { RoomLog } from "../log/room-log.ts";
import type { Caller } from "./caller.ts";

/** Reads a page of a room's log: after a position, before one, between two, or the newest. Throws UNAVAILABLE. */
export function readHistory(
  { log }: { readonly log: Pick<RoomLog, "read"> },
  { reads }: Caller,
  { room, after, before, limit }: RequestPayload<"history:read">,
): Promise<RequestData<"history:read">> {
  return reads.run((pageBytes) =>
    log.read(room, {
      ...(after === undefined ? {} : { after }),
      ...(before === undefined ? {} : { before }),
      // The newest messages are asked for once, without continuing: nothing would tell that some are left.
      ...(after === undefined && before === undefined ? {} : { pageBytes }),
      limit: limit ?? limits.pageMessages,
    }),
  );
}
