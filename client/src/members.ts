import type { Member, NotificationPayload, RequestData } from "./protocol/events.ts";

/** What has changed among the members of a room since the last time. */
export interface MembersChange {
  readonly joined: readonly Member[];
  readonly updated: readonly Member[];
  /** As they were last. */
  readonly left: readonly Member[];
}

type Changed = NotificationPayload<"presence:changed">;
type Listed = Partial<Pick<RequestData<"room:join">, "members" | "count" | "mode" | "version">>;

/**
 * The members of a room as the server tells them, without any effect. Both connections of a move tell the same members:
 * each notification says what every session that it names is now, so that what comes twice changes nothing. What the
 * application is told comes from the difference of the map alone.
 */
export function createMembers() {
  let members = new Map<string, Member>();
  let count = 0;
  let mode: Changed["mode"] = "members";
  let epoch = "";
  let number = -1;
  /** What came while the list is being read, and belongs behind it. */
  let held: Changed[] | undefined;

  function take(version: string) {
    const at = version.lastIndexOf("-");
    epoch = version.slice(0, at);
    number = Number(version.slice(at + 1));
  }

  /** Where a version stands to what is known: undefined in another epoch, else by how much it is ahead. */
  function ahead(version: string) {
    const at = version.lastIndexOf("-");
    return version.slice(0, at) === epoch ? Number(version.slice(at + 1)) - number : undefined;
  }

  function differ(next: Map<string, Member>): MembersChange | undefined {
    const joined: Member[] = [];
    const updated: Member[] = [];
    for (const [session, member] of next) {
      const before = members.get(session);
      if (!before) joined.push(member);
      else if (JSON.stringify(before.state) !== JSON.stringify(member.state)) updated.push(member);
    }
    const left = [...members.values()].filter(({ session }) => !next.has(session));
    members = next;
    return joined.length + updated.length + left.length ? { joined, updated, left } : undefined;
  }

  function replace(list: readonly Member[]) {
    return differ(new Map(list.map((member) => [member.session, member])));
  }

  function changed(told: Changed): MembersChange | "read" | undefined {
    const isCount = told.mode === "count";
    const by = ahead(told.version);
    const from = told.previous === undefined ? undefined : ahead(told.previous);
    if (by !== undefined && (by < 0 || (by === 0 && told.previous !== undefined))) return undefined;
    // Too many to be told: nobody has left.
    if (isCount) members = new Map();
    else if (told.previous !== undefined && (from === undefined || from > 0 || mode === "count")) return "read";
    count = told.count;
    mode = told.mode;
    take(told.version);
    if (isCount) return undefined;
    if (told.previous === undefined) return replace(told.joined);
    const next = new Map(members);
    for (const member of [...told.joined, ...told.updated]) next.set(member.session, member);
    for (const session of told.left) next.delete(session);
    return differ(next);
  }

  return {
    get map(): ReadonlyMap<string, Member> {
      return members;
    },
    get count() {
      return count;
    },
    /** To be named in the next join; undefined before anything is known. */
    get version() {
      return number < 0 ? undefined : `${epoch}-${number}`;
    },

    /** A join was answered. Without members in it the list stays as it is; notifications tell what has changed. */
    joined(answer: Listed): MembersChange | undefined {
      if (answer.version === undefined || held) return undefined;
      const by = ahead(answer.version);
      if (by !== undefined && by < 0) return undefined;
      if (answer.members === undefined && answer.mode !== "count") return undefined;
      count = answer.count ?? 0;
      mode = answer.mode ?? "members";
      take(answer.version);
      if (answer.members) return replace(answer.members);
      members = new Map();
      return undefined;
    },

    /** "read": something is missing in between, so the list has to be read now, and `listed` be called. */
    changed(told: Changed): MembersChange | "read" | undefined {
      if (held) {
        held.push(told);
        return undefined;
      }
      const change = changed(told);
      if (change === "read") held = [told];
      return change;
    },

    /** The list was read; undefined where it could not be. */
    listed(list: Required<Listed> | undefined): (MembersChange | "read")[] {
      const waiting = held ?? [];
      held = undefined;
      const changes: (MembersChange | "read" | undefined)[] = [];
      if (list) {
        count = list.count;
        mode = list.mode;
        take(list.version);
        if (mode === "count") members = new Map();
        else changes.push(replace(list.members));
        for (const told of waiting) changes.push(this.changed(told));
      }
      return changes.filter((change) => change !== undefined);
    },
  };
}
