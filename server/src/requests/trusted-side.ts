import { randomUUID } from "node:crypto";
import type { Member, RequestData } from "@holdfast/client/protocol";
import type { Server } from "../application/server.ts";
import { trustedCaller } from "./caller.ts";
import type { Requests } from "./carry-out.ts";

/** What the server's own side does with rooms, as methods: the same on a server and on a publisher. */
export function trustedSide<C>({ carryOut }: Requests): Pick<Server<C>, "publish" | "signal" | "history" | "members"> {
  return {
    publish: async (room, event, data, { id = randomUUID(), user = null } = {}) =>
      carryOut(trustedCaller(user), "message:publish", { room, id, event, data }),
    signal: async (room, event, data) => {
      await carryOut(trustedCaller(), "signal:send", { room, event, data });
    },
    history: async (room, range) => carryOut(trustedCaller(), "history:read", { room, ...range }),
    members: (room) => allMembers((cursor) => carryOut(trustedCaller(), "presence:list", { room, ...cursor })),
  };
}

type MembersPage = RequestData<"presence:list">;

/** Reads page after page, from the beginning again where the data of Redis have become others in between. */
async function allMembers(
  read: (cursor: { cursor?: string }) => MembersPage | Promise<MembersPage>,
): Promise<readonly Member[]> {
  const members = new Map<string, Member>();
  let epoch: string | undefined;
  for (let cursor: string | undefined; ; ) {
    const page = await read(cursor === undefined ? {} : { cursor });
    const [pageEpoch] = page.version.split("-");
    if (pageEpoch !== epoch) members.clear();
    epoch = pageEpoch;
    for (const member of page.members) members.set(member.session, member);
    if (page.cursor === undefined) return [...members.values()];
    cursor = page.cursor;
  }
}
