import fc from "fast-check";
import { expect, test } from "vitest";
import { createMembers } from "../../../client/src/members.ts";
import type { Member, NotificationPayload } from "../../../client/src/protocol/events.ts";

const memberOf = (session: string, state: unknown = null): Member => ({ session, user: null, state, joinedAtMs: 1 });

type Changed = NotificationPayload<"presence:changed">;

function toldOf(previous: string | undefined, version: string, over: Partial<Changed> = {}): Changed {
  const lists = { joined: [], updated: [], left: [] };
  return { room: "lobby", version, ...(previous && { previous }), ...lists, count: 0, mode: "members", ...over };
}

function joinedRoom(...sessions: string[]) {
  const members = createMembers();
  members.joined({
    members: sessions.map((session) => memberOf(session)),
    count: sessions.length,
    mode: "members",
    version: "a-3",
  });
  return members;
}

test("a notification that a connection of a move repeats changes nothing", () => {
  const members = joinedRoom("ann");
  const told = toldOf("a-3", "a-4", { joined: [memberOf("bob")], count: 2 });
  expect(members.changed(told)).toMatchObject({ joined: [{ session: "bob" }] });
  expect(members.changed(told)).toBeUndefined();
  expect([...members.map.keys()]).toEqual(["ann", "bob"]);
});

test("a notification that begins before what is known is applied, and only the difference is told", () => {
  const members = joinedRoom("ann");
  members.changed(toldOf("a-3", "a-5", { joined: [memberOf("bob"), memberOf("new")] }));
  const change = members.changed(
    toldOf("a-3", "a-7", { joined: [memberOf("bob"), memberOf("cid")], left: ["new", "unknown"] }),
  );
  expect(change).toMatchObject({ joined: [memberOf("cid")], updated: [], left: [memberOf("new")] });
});

test.each([
  ["a hole", toldOf("a-4", "a-5")],
  ["another epoch", toldOf("b-0", "b-1")],
])("%s asks for the list, and what comes meanwhile is applied behind it", (_what, told) => {
  const members = joinedRoom("ann", "bob");
  expect(members.changed(told)).toBe("read");
  const epoch = told.version.charAt(0);
  expect(members.changed(toldOf(`${epoch}-6`, `${epoch}-7`, { left: ["bob"], count: 1 }))).toBeUndefined();
  const changes = members.listed({
    members: [memberOf("bob"), memberOf("cid")],
    count: 2,
    mode: "members",
    version: `${epoch}-6`,
  });
  const left = [memberOf("ann"), memberOf("bob")];
  expect(changes).toEqual([{ joined: [memberOf("cid")], updated: [], left, count: 1, mode: "members" }]);
});

test("a whole list is told by what differs from the one before", () => {
  const members = joinedRoom("ann", "bob");
  const change = members.changed(toldOf(undefined, "b-9", { joined: [memberOf("ann", "away"), memberOf("cid")] }));
  const left = [memberOf("bob")];
  expect(change).toMatchObject({ joined: [memberOf("cid")], updated: [memberOf("ann", "away")], left });
});

test("a room that grows too large is counted, and nobody left by that", () => {
  const members = joinedRoom("ann");
  const nobody = { joined: [], updated: [], left: [], mode: "count" };
  expect(members.changed(toldOf(undefined, "a-9", { mode: "count", count: 201 }))).toEqual({ ...nobody, count: 201 });
  expect([members.map.size, members.count]).toEqual([0, 201]);
  expect(members.changed(toldOf("a-9", "a-12", { mode: "count", count: 199 }))).toEqual({ ...nobody, count: 199 });
  expect(members.count).toBe(199);
});

test("an answer without members leaves the list as it is, and empties it where members are only counted", () => {
  const members = joinedRoom("ann");
  expect(members.joined({ count: 5, mode: "members", version: "a-8" })).toBeUndefined();
  expect([members.map.size, members.version]).toEqual([1, "a-3"]);
  expect(members.joined({ count: 500, mode: "count", version: "a-9" })).toMatchObject({ left: [], count: 500 });
  expect([members.map.size, members.count, members.version]).toEqual([0, 500, "a-9"]);
});

test("a hole behind the list that was read asks for the list again, and keeps what comes", () => {
  const members = joinedRoom("ann");
  expect(members.changed(toldOf("a-4", "a-5"))).toBe("read");
  members.changed(toldOf("a-9", "a-10", { joined: [memberOf("bob")], count: 2 }));
  const page = { members: [memberOf("ann")], mode: "members" as const, count: 1, version: "a-7" };
  expect(members.listed(page)).toEqual(["read"]);
  const later = members.listed({ ...page, version: "a-9" });
  expect(later).toMatchObject([{ joined: [memberOf("bob")], left: [] }]);
});

test("a notification that ends where the client stands is taken: it may name what the one before could not hold", () => {
  const members = joinedRoom("ann");
  expect(members.changed(toldOf("a-3", "a-3", { joined: [memberOf("bob")], count: 2 }))).toMatchObject({
    joined: [memberOf("bob")],
  });
});

test("the map is always the same one, and is up to date before a change is told", () => {
  const map = new Map<string, Member>();
  const members = createMembers(map);
  members.joined({ members: [memberOf("ann")], count: 1, mode: "members", version: "a-3" });
  expect([...map.keys()]).toEqual(["ann"]);
  members.changed(toldOf(undefined, "b-1", { joined: [memberOf("bob")], count: 1 }));
  expect(members.map).toBe(map);
  expect([...map.keys()]).toEqual(["bob"]);
});

test("a client that moves between instances ends with the same list, wherever their ticks are cut", () => {
  const sessions = ["s1", "s2", "s3", "s4"];
  const changes = fc.array(fc.record({ session: fc.constantFrom(...sessions), isThere: fc.boolean() }), {
    minLength: 1,
    maxLength: 40,
  });
  const cuts = fc.array(fc.nat(40), { maxLength: 8 });
  fc.assert(
    fc.property(
      changes,
      cuts,
      cuts,
      fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
      (steps, cutsA, cutsB, turns) => {
        const states = [new Set<string>()];
        for (const { session, isThere } of steps) {
          const next = new Set(states.at(-1));
          if (isThere) next.add(session);
          else next.delete(session);
          states.push(next);
        }
        const last = states.length - 1;
        const noticesOf = (at: readonly number[]) => {
          const ends = [...new Set([0, ...at.filter((n) => n < last), last])].toSorted((a, b) => a - b);
          return ends.slice(1).map((n, index) => {
            const from = ends[index] ?? 0;
            const touched = [...new Set(steps.slice(from, n).map(({ session }) => session))];
            const present = touched.filter((session) => states[n]?.has(session));
            const left = touched.filter((session) => !states[n]?.has(session));
            return toldOf(`a-${from}`, `a-${n}`, { joined: present.map((session) => memberOf(session)), left });
          });
        };
        const members = createMembers();
        members.joined({ members: [], count: 0, mode: "members", version: "a-0" });
        const queues = [noticesOf(cutsA), noticesOf(cutsB)] as const;
        const seen: string[] = [];
        // Both instances tell in their own order; the client hears now the one, now the other.
        for (const turn of [
          ...turns,
          ...turns.map((isA) => !isA),
          ...Array.from({ length: 80 }, (_, at) => at % 2 === 0),
        ]) {
          const told = queues[turn ? 0 : 1].shift();
          const change = told && members.changed(told);
          if (change === "read") throw new Error("expected no hole");
          if (change) seen.push(...change.joined.map(({ session }) => session));
        }
        expect([...members.map.keys()].toSorted()).toEqual([...(states[last] ?? [])].toSorted());
      },
    ),
  );
});
