import type { RequestData, RequestPayload } from "@holdfast/client/protocol";
import { RequestError } from "../errors.ts";
import { versionText } from "../presence/member-version.ts";
import type { Caller } from "./caller.ts";
import type { RequestParts } from "./parts.ts";

/** Reads a page of a room's members. Being in the room is not required. Throws RATE_LIMITED and UNAVAILABLE. */
export function listMembers(
  { presence }: Pick<RequestParts, "presence">,
  { reads }: Caller,
  { room, cursor, limit }: RequestPayload<"presence:list">,
): Promise<RequestData<"presence:list">> {
  return reads.run(async () => {
    if (presence === undefined) throw new RequestError("UNAVAILABLE", "this process knows no members");
    const page = await presence.list(room, cursor, limit);
    return {
      members: [...page.members],
      count: page.count,
      mode: page.mode,
      version: versionText(page.version),
      ...(page.cursor === undefined ? {} : { cursor: page.cursor }),
    };
  });
}
