import { limits, type RequestData, type RequestPayload } from "@holdfast/client/protocol";
import type { RoomLog } from "../log/room-log.ts";
import type { Caller } from "./caller.ts";
import type { RequestParts } from "./parts.ts";
import { requireRight } from "./rights.ts";

type Parts = Pick<RequestParts, "telemetry"> & { readonly log: Pick<RoomLog, "read"> };

/**
 * Reads a page of a room's log: after a position, before one, between two, or the newest. The read may have waited for its
 * turn, so the right is asked about again before the answer. Throws FORBIDDEN, RATE_LIMITED and UNAVAILABLE.
 */
export async function readHistory(
  { log, telemetry }: Parts,
  { identity, reads }: Caller,
  { room, after, before, limit }: RequestPayload<"history:read">,
): Promise<RequestData<"history:read">> {
  const page = await reads.run((pageBytes) =>
    log.read(room, {
      ...(after === undefined ? {} : { after }),
      ...(before === undefined ? {} : { before }),
      // The newest messages are asked for once, without continuing: nothing would tell that some are left.
      ...(after === undefined && before === undefined ? {} : { pageBytes }),
      limit: limit ?? limits.pageMessages,
    }),
  );
  await requireRight(identity, "read", room);
  telemetry?.logRead(room, page, after !== undefined);
  return page;
}
