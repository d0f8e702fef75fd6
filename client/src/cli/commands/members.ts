import type { Member, RequestData } from "../../protocol/events.ts";
import { defineCommand } from "../command.ts";
import { type AnyClient, answered, connectionOptions, withClient } from "../connected.ts";
import { exitCodes } from "../exit-codes.ts";
import { table } from "../table.ts";

type MembersPage = RequestData<"presence:list">;

export const members = defineCommand({
  name: "members",
  args: ["ROOM"],
  summary: "prints who is in the room, or how many where the room is too large to list them",
  options: connectionOptions,
  examples: ["members lobby", "members lobby --json | jq .count"],
  async run({ args: [room = ""], options, terminal }) {
    return withClient(options, async (client) => {
      const { members: list, count, mode } = await answered(listAll(client, room), "the list of members", options.wait);
      if (options.json) terminal.out(JSON.stringify({ room, count, mode, members: list }));
      else if (mode === "count") terminal.out(`${count} members, too many to be listed`);
      else terminal.out(list.length === 0 ? "nobody" : table([heads, ...list.map(row)]));
      return exitCodes.fine;
    });
  },
});

const heads = ["USER", "SESSION", "SINCE", "STATE"];

function row({ user, session, joinedAtMs, state }: Member): string[] {
  return [user ?? "-", session, new Date(joinedAtMs).toISOString(), JSON.stringify(state)];
}

/** Reads page by page. The last page says how many there are. */
async function listAll(client: AnyClient, room: string): Promise<Pick<MembersPage, "members" | "count" | "mode">> {
  const found = new Map<string, Member>();
  for (let cursor: string | undefined; ; ) {
    const payload = { room, ...(cursor === undefined ? {} : { cursor }) };
    // Of a client without a contract answers are unknown; this one is a row of the protocol's table.
    const page = (await client.request("presence:list", payload)) as MembersPage;
    for (const member of page.members) found.set(member.session, member);
    cursor = page.cursor;
    if (cursor === undefined) return { members: [...found.values()], count: page.count, mode: page.mode };
  }
}
