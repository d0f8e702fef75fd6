import type { Member } from "@holdfast/client/protocol";

/** How a room shows its members: each of them, or their number alone. */
export type PresenceMode = "members" | "count";

/** A member with the size that it has in a notification. */
export interface Entry {
  readonly member: Member;
  readonly stateBytes: number;
}

export function entryOf(session: string, joinedAtMs: number, user: string | null, stateJson: string): Entry {
  const state: unknown = stateJson === "" ? null : JSON.parse(stateJson);
  return { member: { user, session, state, joinedAtMs }, stateBytes: stateJson.length };
}

/** What Redis stores of a member, see room.lua. */
export interface StoredMember {
  readonly entry: Entry;
  /** Names of the instances that have a connection of it. */
  readonly instances: readonly string[];
}

/** Reads a member from what the scripts answer. Throws where another program has written it. */
export function parseStored(session: string, value: string, stateJson: string): StoredMember {
  const [, joined, holders, userJson] = /^(\d+)\|([^|]*)\|(.*)$/s.exec(value) ?? [];
  if (joined === undefined || holders === undefined || userJson === undefined) {
    throw new Error(`expected a member as room.lua writes it, got ${value}`);
  }
  const user: unknown = JSON.parse(userJson);
  return {
    entry: entryOf(session, Number(joined), typeof user === "string" ? user : null, stateJson),
    instances: holders.split(",").map((holder) => holder.split(".", 1)[0] ?? ""),
  };
}
