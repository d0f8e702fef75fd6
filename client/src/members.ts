import type { AnyContract } from "./contract.ts";
import type { Member, NotificationPayload, RequestData } from "./protocol/events.ts";
import type { MembersChange } from "./room-api.ts";

/** What the application is told. */
type Change = MembersChange<AnyContract>;
type Changed = NotificationPayload<"presence:changed">;
type Listed = Partial<Pick<RequestData<"room:join">, "members" | "count" | "mode" | "version">>;

const bySession = (members: readonly Member[]) => new Map(members.map((member) => [member.session, member]));

/**
 * The members of a room as the server tells them, without any effect but that on `map`, which is what the application
 * knows. Both connections of a move tell the same members: each notification says what every session that it names is now,
 * so that what comes twice changes nothing. What the application is told comes from the difference to the map alone.
 */
export function createMembers(map = new Map<string, Member>()) {
  /** What the server has told. */
  let list = bySession([]);
  let count: number | undefined;
  let mode: Change["mode"] | undefined;
  /** Undefined before anything is known. */
  let version: string | undefined;
  /** The count and the mode that the application knows. */
  let told: unknown;
  /** What came while the list is being read, and belongs behind it. */
  let held: Changed[] | undefined;

  /** How far another version is ahead of what is known: undefined in another epoch. */
  function ahead(other: string) {
    const [epoch, number] = other.split("-");
    const [knownEpoch, known] = (version ?? "").split("-");
    return epoch === knownEpoch ? Number(number) - Number(known) : undefined;
  }

  function stand(at: Required<Omit<Listed, "members">>, next: Map<string, Member>) {
    ({ version, count, mode } = at);
    list = mode === "count" ? bySession([]) : next;
  }

  /** Brings the map up to what is known. */
  function differ(): Change | undefined {
    if (!mode) return;
    // Too many to be told: nobody has left.
    if (mode === "count") map.clear();
    const joined: Member[] = [];
    const updated: Member[] = [];
    for (const [session, member] of list) {
      const before = map.get(session);
      if (!before) joined.push(member);
      else if (JSON.stringify(before.state) !== JSON.stringify(member.state)) updated.push(member);
      map.set(session, member);
    }
    const left = [...map.values()].filter(({ session }) => !list.has(session));
    for (const { session } of left) map.delete(session);
    const now = `${count} ${mode}`;
    const isSame = told === now && !(joined.length + updated.length + left.length);
    told = now;
    return isSame ? undefined : { joined, updated, left, count: count ?? 0, mode };
  }

  /** "read" where something is missing in between. */
  function take(change: Changed) {
    const { previous, joined, updated, left } = change;
    const from = previous === undefined ? undefined : ahead(previous);
    if ((ahead(change.version) ?? 0) < 0) return;
    let next = bySession(joined);
    if (change.mode === "members" && previous !== undefined) {
      if (from === undefined || from > 0 || mode === "count") return "read";
      next = new Map([...list, ...next, ...bySession(updated)]);
      for (const session of left) next.delete(session);
    }
    stand(change, next);
    return;
  }

  return {
    map,
    get count() {
      return count;
    },
    get mode() {
      return mode;
    },
    /** To be named in the next join; undefined before anything is known. */
    get version() {
      return version;
    },

    /** A join was answered. Without members in it the list stays as it is; notifications tell what has changed. */
    joined({ version: of, members, count: number = 0, mode: by = "members" }: Listed): Change | undefined {
      if (of === undefined || held || (ahead(of) ?? 0) < 0 || (!members && by !== "count")) return;
      stand({ version: of, count: number, mode: by }, bySession(members ?? []));
      return differ();
    },

    /** "read": something is missing in between, so the list has to be read now, and `listed` be called. */
    changed(change: Changed): Change | "read" | undefined {
      if (held) {
        held.push(change);
        return;
      }
      if (!take(change)) return differ();
      held = [change];
      return "read";
    },

    /** The list was read; undefined where it could not be. */
    listed(answer: Required<Listed> | undefined): (Change | "read")[] {
      const waiting = held ?? [];
      held = undefined;
      if (!answer) return [];
      stand(answer, bySession(answer.members));
      // What does not follow is held behind another reading.
      const index = waiting.findIndex(take);
      if (index >= 0) held = waiting.slice(index);
      return [differ(), held && ("read" as const)].filter((change) => change !== undefined);
    },
  };
}
