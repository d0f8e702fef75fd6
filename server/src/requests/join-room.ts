import { limits, type RequestData, type RequestPayload } from "@holdfast/client/protocol";
import { OverLimit, RequestError } from "../errors.ts";
import type { KnownPositions } from "../log/known-positions.ts";
import type { RoomLog } from "../log/room-log.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Caller, Membership } from "./caller.ts";
import { type JoinMembersParts, joinMembers } from "./join-members.ts";
import { requireRight } from "./rights.ts";

type Parts = JoinMembersParts & {
  readonly log: Pick<RoomLog, "read">;
  readonly known: Pick<KnownPositions, "enter">;
  readonly telemetry?: Pick<Telemetry, "joined" | "logRead">;
};

/** The rooms of a connection that a join was answered for. Another join that fails leaves none of them. */
const answeredRooms = new WeakMap<Membership, Set<string>>();

/**
 * Subscribes first, waits for the confirmation, and only then reads the log: what was appended before the read is in
 * the answer, what comes after arrives live, and what is in both is distinguished by its position. With
 * `presence` it answers once the member is stored.
 *
 * Joining a room again is allowed: a client does so to catch up. Throws ROOM_LIMIT, RATE_LIMITED and UNAVAILABLE, and with
 * `presence` INVALID_PAYLOAD, PAYLOAD_TOO_LARGE and FORBIDDEN; after a
 * failure the connection is in the room only if it was before, or if another join of it was answered meanwhile. The right is
 * asked about again after the read, which may have waited: it may have ended since the request came.
 */
export async function joinRoom(
  parts: Parts,
  caller: Caller,
  payload: RequestPayload<"room:join">,
): Promise<RequestData<"room:join">> {
  const { identity, membership, reads } = caller;
  const { room, since, history } = payload;
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
    const [page, members] = await Promise.all([
      reads.run((pageBytes) =>
        parts.log.read(
          room,
          since === undefined ? { limit: history ?? 0 } : { after: since, limit: limits.pageMessages, pageBytes },
        ),
      ),
      joinMembers(parts, caller, payload),
    ]);
    await requireRight(identity, "read", room);
    // Another join of the same room by this connection may have failed meanwhile, and have taken it out again.
    if (!membership.has(room)) throw new RequestError("UNAVAILABLE", "the room was left while it was being joined");
    parts.known.enter(room, page.position);
    answered.add(room);
    parts.telemetry?.joined(room, since !== undefined);
    parts.telemetry?.logRead(room, page, since !== undefined);
    return { ...page, ...members, user: identity.user };
  } catch (error) {
    if (!wasMember && !answered.has(room)) {
      membership.remove(room);
      parts.presence?.remove(caller.connection, room);
    }
    throw error;
  }
}
