import type { RequestData, RequestPayload } from "@holdfast/client/protocol";
import { checkedState } from "../application/checked-state.ts";
import { RequestError } from "../errors.ts";
import { parseVersion, versionText } from "../presence/member-version.ts";
import type { Caller } from "./caller.ts";
import type { RequestParts } from "./parts.ts";
import { requireRight } from "./rights.ts";

export type JoinMembersParts = Pick<RequestParts, "presence" | "schemas">;

/**
 * The part of a join that concerns the members: with a state or `true` the connection becomes one of them, and is told of
 * the others. `null`, and `true` without the right to write, is told of the others alone.
 */
export async function joinMembers(
  { presence, schemas }: JoinMembersParts,
  { identity, connection }: Caller,
  { room, presence: state, version }: RequestPayload<"room:join">,
): Promise<Pick<RequestData<"room:join">, "members" | "count" | "mode" | "version">> {
  const { session, user } = identity;
  if (state === undefined || state === false || session === null || presence === undefined) return {};
  const stateJson = state === true || state === null ? "" : checkedState(schemas.of(room).presence, state);
  let isMember = state !== null;
  try {
    if (isMember) await requireRight(identity, "write", room);
  } catch (error) {
    if (state !== true || !(error instanceof RequestError) || error.code !== "FORBIDDEN") throw error;
    isMember = false;
  }
  const known = version === undefined ? undefined : parseVersion(version);
  const joined = await presence.join({ connection, session, user }, room, isMember ? stateJson : undefined, known);
  return {
    ...(joined.members === undefined ? {} : { members: [...joined.members] }),
    count: joined.count,
    mode: joined.mode,
    version: versionText(joined.version),
  };
}
