import { limits, type RequestData, type RequestPayload } from "@holdfast/client/protocol";
import { OverLimit, RequestError } from "../errors.ts";
import type { KnownPositions } from "../log/known-positions.ts";
import type { RoomLog } from "../log/room-log.ts";
import type { Caller, Membership } from "./caller.ts";
import { requireRight } from "./rights.ts";

/** The rooms of a connection that a join was answered for. Another join that fails leaves none of them. */
const answeredRooms = new WeakMap<Membership, Set<string>>();

/**
 * Subscribes first, waits for the confirmation, and only then reads the log: what was appended before the read is in
 * the answer, what comes after arrives live, and what is in both is distinguished by its position.
 *
 * Joining a room again is allowed: a client does so to catch up. Throws ROOM_LIMIT, RATE_LIMITED and UNAVAILABLE; after a
 * failure the connection is in the room only if it was before, or if another join of it was answered meanwhile. The right is
 * asked about again after the read, which may have waited: it may have ended since the request came.
 */
export async function joinRoom(
  { log, known }: { readonly log: Pick<RoomLog, "read">; readonly known: Pick<KnownPositions, "enter"> },
  { identity, membership, reads }: Caller,
  { room, since, history }: RequestPayload<"room:join">,
): Promise<RequestData<"room:join">> {
  const wasMember = membership.has(room);
  const answered = answeredRooms.get(membership) ?? new Set();
  answeredRooms.set(membership, answered);
  if (!wasMember) answered.delete(room);
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
    await requireRight(identity, "read", room);
    // Another join of the same room by this connection may have failed meanwhile, and have taken it out again.
    if (!membership.has(room)) throw new RequestError("UNAVAILABLE", "the room was left while it was being joined");
    known.enter(room, page.position);
    answered.add(room);
    return page;
  } catch (error) {
    if (!wasMember && !answered.has(room)) membership.remove(room);
    throw error;
  }
}
