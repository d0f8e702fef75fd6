import { limits, type RequestData, type RequestPayload } from "@holdfast/client/protocol";
import { OverLimit, RequestError } from "../errors.ts";
import type { KnownPositions } from "../log/known-positions.ts";
import type { RoomLog } from "../log/room-log.ts";
import type { Caller } from "./caller.ts";

/**
 * Subscribes first, waits for the confirmation, and only then reads the log: what was appended before the read is in
 * the answer, what comes after arrives live, and what is in both is distinguished by its position.
 *
 * Joining a room again is allowed: a client does so to catch up. Throws ROOM_LIMIT, RATE_LIMITED and UNAVAILABLE; after a
 * failure the connection is in the room only if it was before.
 */
export async function joinRoom(
  { log, known }: { readonly log: Pick<RoomLog, "read">; readonly known: Pick<KnownPositions, "enter"> },
  { membership, reads }: Caller,
  { room, since, history }: RequestPayload<"room:join">,
): Promise<RequestData<"room:join">> {
  const wasMember = membership.has(room);
  if (!wasMember && membership.size >= limits.roomsPerConnection) {
    const message = `expected at most ${limits.roomsPerConnection} rooms on one connection`;
    throw new OverLimit("rooms", "ROOM_LIMIT", message);
  }
  try {
    await membership.add(room);
    const page = await reads.run((pageBytes) =>
      log.read(
        room,
        since === undefined ? { limit: history ?? 0 } : { after: since, limit: limits.pageMessages, pageBytes },
      ),
    );
    // Another join of the same room by this connection may have failed meanwhile, and have taken it out again.
    if (!membership.has(room)) throw new RequestError("UNAVAILABLE", "the room was left while it was being joined");
    known.enter(room, page.position);
    return page;
  } catch (error) {
    if (!wasMember) membership.remove(room);
    throw error;
  }
}
