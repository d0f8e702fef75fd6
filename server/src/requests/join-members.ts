import type { RequestData, RequestPayload } from "@holdfast/client/protocol";
import { checkedState } from "../application/checked-state.ts";
import { RequestError } from "../errors.ts";
import { parseVersion, versionText } from "../presence/member-version.ts";
import type { Caller } from "./caller.ts";
import type { RequestParts } from "./parts.ts";

export type JoinMembersParts = Pick<RequestParts, "presence" | "schemas">;

/**
 * The part of a join that concerns the members: with a state or `true` the connection becomes one of them, and is told of
 * the others. With `null`, and without the right to write, it is told of the others alone, so that a client which has lost
 * that right stays in its rooms when it moves.
 */
export async function joinMembers(
  { presence, schemas }: JoinMembersParts,
  { identity, connection, membership }: Caller,
  { room, presence: state, version }: RequestPayload<"room:join">,
): Promise<Pick<RequestData<"room:join">, "members" | "count" | "mode" | "version">> {
  const { session, user } = identity;
  if (state === undefined || state === false || session === null || presence === undefined) return {};
  const stateJson = state === true || state === null ? "" : checkedState(schemas.of(room).presence, state);
  const isMember = state !== null && (await identity.may(room, "write"));
  const known = version === undefined ? undefined : parseVersion(version);
  // The room may have been left, or the right to read it have ended, while this waited.
  if (!membership.has(room)) throw new RequestError("UNAVAILABLE", "the room was left while it was being joined");
  const joined = await presence.join({ connection, session, user }, room, isMember ? stateJson : undefined, known);
  // The right may have ended while this waited, when it was no member yet.
  if (isMember && !(await identity.may(room, "write"))) presence.endMembership(connection, room);
  return {
    ...(joined.members === undefined ? {} : { members: [...joined.members] }),
    count: joined.count,
    mode: joined.mode,
    version: versionText(joined.version),
  };
}
