import { type AnyContract, type Client, type ConnectOptions, connect, type MembersChange } from "@holdfast/client";
import { createClient } from "redis";
import { NodeWebSocket } from "socket.io-client";
import { expect, test } from "vitest";
import { startRelay } from "../support/tcp-relay.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { type PresenceContract, type PresenceRig, startPresence } from "./presence-rig.ts";

/** The client package on one of the rig's instances, behind a line that a test can cut or turn to another instance. */
async function openClient(rig: PresenceRig, instance: number, options?: ConnectOptions) {
  const portOf = (index: number) => rig.servers[index]?.port ?? 0;
  const relay = await startRelay(portOf(instance));
  const client: Client<PresenceContract> = connect(`http://127.0.0.1:${relay.port}`, options);
  return {
    client,
    relay,
    turnTo: (index: number) => {
      relay.targetPort = portOf(index);
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await relay[Symbol.asyncDispose]();
    },
  };
}

type ClientRoom = ReturnType<Client<PresenceContract>["join"]>;

const nameOf = ({ state }: { readonly state: unknown }) =>
  (state as { readonly name?: string } | null)?.name ?? "nobody";

/** What a room tells of its members, in few words: `joined ann`, `left ann`, `updated ann`. */
function watch(room: ClientRoom) {
  const told: string[] = [];
  const changes: MembersChange<PresenceContract>[] = [];
  room.on("members", (change) => {
    changes.push(change);
    for (const kind of ["joined", "updated", "left"] as const) {
      for (const member of change[kind]) told.push(`${kind} ${nameOf(member)}`);
    }
  });
  const names = () => [...room.members.values()].map(nameOf).toSorted();
  return {
    told,
    changes,
    names,
    of: (name: string) => told.filter((one) => one.endsWith(` ${name}`)),
    async sees(...expected: string[]) {
      const wanted = JSON.stringify(expected.toSorted());
      await waitFor(() => JSON.stringify(names()) === wanted, `the members ${wanted}`, 20_000);
    },
  };
}

test.concurrent("clients of two instances see who is there, what they say of themselves, and who leaves", async () => {
  await using rig = await startPresence(2, { presenceGraceSeconds: 600 });
  await using ann = await openClient(rig, 0);
  await using bob = await openClient(rig, 1);
  const name = uniqueRoom();
  const annsRoom = ann.client.join(name, { presence: { name: "ann" } });
  const seen = watch(annsRoom);
  const { members } = annsRoom;
  expect([members.size, annsRoom.count, annsRoom.mode]).toEqual([0, undefined, undefined]);
  await annsRoom.ready;
  expect([seen.names(), annsRoom.count, annsRoom.mode]).toEqual([["ann"], 1, "members"]);
  const bobsRoom = bob.client.join(name, { presence: true });
  await bobsRoom.ready;
  await seen.sees("ann", "nobody");
  await bobsRoom.setPresence({ name: "bob" });
  await seen.sees("ann", "bob");
  expect(annsRoom.members).toBe(members);
  expect(members.get(bob.client.session)).toMatchObject({ session: bob.client.session, user: null });
  // A client that closes is gone at once, although it would have a grace.
  await bob.client.close();
  await waitFor(() => annsRoom.count === 1, "the one who closed to be gone", 2000);
  expect(seen.told).toEqual(["joined ann", "joined nobody", "updated bob", "left bob"]);
  expect(seen.changes.at(-1)).toMatchObject({ count: 1, mode: "members" });
  await annsRoom.leave();
  expect([members.size, annsRoom.count]).toEqual([0, undefined]);
});

test.concurrent("a client that moves, and moves again, is seen to change its state and never to leave or join", async () => {
  await using rig = await startPresence(2, { functionTimeoutSeconds: 3, presenceGraceSeconds: 0 });
  await using watcher = await openClient(rig, 1);
  await using ann = await openClient(rig, 0);
  const name = uniqueRoom();
  const shown = watcher.client.join(name, { presence: { name: "watcher" } });
  const seen = watch(shown);
  let moves = 0;
  ann.client.on("status", (status) => {
    if (status === "moving") ann.turnTo(++moves % 2);
  });
  // It joins faster than a member, and does not end the move.
  await ann.client.join(name).ready;
  const room = ann.client.join(name, { presence: { name: "0" } });
  const own = watch(room);
  await Promise.all([shown.ready, room.ready]);
  // A state that is set while the client moves must not get lost between its two connections.
  let count = 0;
  while (moves < 4) await room.setPresence({ name: `${++count}` });
  await waitFor(() => ann.client.status === "connected", "the last move to end");
  await seen.sees(`${count}`, "watcher");
  const session = ann.client.session;
  const of = (kind: "joined" | "left") =>
    seen.changes.flatMap((change) => change[kind]).filter((member) => member.session === session);
  expect([of("joined").length, of("left").length]).toEqual([1, 0]);
  expect(own.told.filter((told) => told.startsWith("left"))).toEqual([]);
  expect(shown.count).toBe(2);
});

test.concurrent("a cut that is shorter than the grace is no event, and a state that was set meanwhile comes with the next join", async () => {
  await using rig = await startPresence(2, { presenceGraceSeconds: 20 });
  await using watcher = await openClient(rig, 1);
  await using ann = await openClient(rig, 0);
  const name = uniqueRoom();
  const shown = watcher.client.join(name, { presence: null });
  const seen = watch(shown);
  const room = ann.client.join(name, { presence: { name: "ann" } });
  const own = watch(room);
  await Promise.all([shown.ready, room.ready]);
  await seen.sees("ann");
  for (const state of ["offline 1", "offline 2", "offline 3"]) {
    ann.relay.cutAll({ reset: true });
    await waitFor(() => ann.client.status === "reconnecting", "the cut");
    // The last one counts.
    const superseded = room.setPresence({ name: "superseded" });
    ann.turnTo(Number(state.at(-1)) % 2);
    await Promise.all([superseded, room.setPresence({ name: state })]);
    await seen.sees(state);
    await own.sees(state);
  }
  const expected = ["joined ann", "updated offline 1", "updated offline 2", "updated offline 3"];
  expect(seen.told).toEqual(expected);
  expect(own.told).toEqual(expected);
});

test.concurrent("handles that ask for members and handles that do not share one membership, which ends with the last that asks", async () => {
  await using rig = await startPresence(1);
  await using watcher = await openClient(rig, 0);
  await using ann = await openClient(rig, 0);
  const name = uniqueRoom();
  const seen = watch(watcher.client.join(name, { presence: null }));
  const plain = ann.client.join(name);
  await plain.ready;
  // It stays in the room without presence, so this one has to join again.
  const first = ann.client.join(name, { presence: { name: "ann" }, since: plain.position ?? "0-0" });
  const own = watch(first);
  await first.ready;
  await seen.sees("ann");
  expect([own.names(), plain.members.size, plain.count]).toEqual([["ann"], 0, undefined]);
  // A later handle is told of all, and one without a state takes none away.
  const second = ann.client.join(name, { presence: true });
  const late = watch(second);
  await second.ready;
  expect(late.told).toEqual(["joined ann"]);
  await second.setPresence({ name: "ann again" });
  await Promise.all([seen, own, late].map((watching) => watching.sees("ann again")));
  await first.leave();
  await second.setPresence({ name: "still here" });
  await seen.sees("still here");
  await second.leave();
  await seen.sees();
  expect(plain.status).toBe("joined");
  expect(seen.told).toEqual(["joined ann", "updated ann again", "updated still here", "left still here"]);
  const third = ann.client.join(name, { presence: { name: "back" } });
  await third.ready;
  await seen.sees("back");
  await third.setPresence(null);
  await seen.sees();
  expect([third.members.size, third.status]).toEqual([0, "joined"]);
});

test.concurrent("a state that is refused refuses the handle that joins with it, or the call that sets it, and nothing else", async () => {
  await using rig = await startPresence(1);
  await using watcher = await openClient(rig, 0);
  await using ann = await openClient(rig, 0);
  const name = uniqueRoom();
  const seen = watch(watcher.client.join(name, { presence: null }));
  const anyClient = ann.client as unknown as Client<AnyContract>;
  const refused = anyClient.join(name, { presence: { nam: "wrong" } });
  refused.on("error", () => undefined);
  const room = anyClient.join(name, { presence: { name: "ann" } });
  await expect(refused.ready).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
  await room.ready;
  await seen.sees("ann");
  await expect(room.setPresence({ nam: "wrong" })).rejects.toMatchObject({ code: "INVALID_PAYLOAD", retryable: false });
  await expect(room.setPresence({ name: "x".repeat(3000) })).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" });
  await expect(room.setPresence({ name: 1n })).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
  // Also one that only the next join can carry.
  ann.relay.cutAll({ reset: true });
  await waitFor(() => ann.client.status === "reconnecting", "the cut");
  await expect(room.setPresence({ nam: "wrong" })).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
  await waitFor(() => room.status === "joined", "the room to be joined again");
  await room.setPresence({ name: "ann is well" });
  await seen.sees("ann is well");
  expect(seen.told).toEqual(["joined ann", "updated ann is well"]);
  const plain = anyClient.join(uniqueRoom("plain:"), { presence: { name: "ann" } });
  plain.on("error", () => undefined);
  await expect(plain.ready).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
});

test.concurrent("who may not write sees the members and is none, with a state or without", async () => {
  const authenticate = ({ token }: { readonly token?: string | undefined }) => ({
    user: token ?? "reader",
    rooms: { "*": token === "writer" ? "read write" : "read" },
  });
  await using rig = await startPresence(1, {}, { authenticate });
  await using writer = await openClient(rig, 0, { token: "writer" });
  await using reader = await openClient(rig, 0);
  const name = uniqueRoom();
  const seen = watch(writer.client.join(name, { presence: { name: "writer" } }));
  const rooms = [reader.client.join(name, { presence: true }), reader.client.join(name, { presence: { name: "r" } })];
  const shown = rooms.map(watch);
  await Promise.all(rooms.map(({ ready }) => ready));
  for (const watching of shown) await watching.sees("writer");
  await expect(rooms[0]?.setPresence({ name: "reader" })).rejects.toMatchObject({ code: "FORBIDDEN" });
  await reader.client.join(name, { presence: true }).ready;
  expect(seen.told).toEqual(["joined writer"]);
});

test.concurrent("above the limit the members are counted, and nobody has left by that", async () => {
  await using rig = await startPresence(2, { presenceAnnounceMax: 3 });
  await using watcher = await openClient(rig, 0);
  const name = uniqueRoom();
  const room = watcher.client.join(name, { presence: { name: "0" } });
  const seen = watch(room);
  await room.ready;
  const others = await Promise.all([1, 2, 3].map((at) => rig.member(at % 2, name, String(at))));
  await waitFor(() => room.mode === "count" && room.count === 4, "the members to be counted");
  expect(seen.names()).toEqual([]);
  for (const other of others.slice(1)) await other.leave();
  await seen.sees("0", "1");
  expect(seen.told.filter((told) => told.startsWith("left"))).toEqual([]);
  expect(seen.changes.map(({ mode }) => mode)).toContain("count");
  expect([room.mode, room.count]).toEqual(["members", 2]);
});

test.concurrent("a client that missed a notification reads the members page by page, and is right again", async () => {
  await using rig = await startPresence(1, { presenceAnnounceMax: 1000 });
  let dropped = 0;
  /** Those that are not the last one. */
  let pages = 0;
  let drops = false;
  class LossyWebSocket extends NodeWebSocket {
    override onData(data: string) {
      if (drops && data.includes("presence:changed")) {
        dropped++;
        drops = false;
        return;
      }
      if (data.includes('"cursor"')) pages++;
      super.onData(data);
    }
  }
  await using watcher = await openClient(rig, 0, { socket: { transports: [LossyWebSocket] } });
  const name = uniqueRoom();
  const room = watcher.client.join(name, { presence: { name: "watcher" } });
  const seen = watch(room);
  await room.ready;
  // More than one page, and enough for Redis to keep a table, of which a page is a part.
  const admin = createClient({ url: rig.redis.url });
  await admin.connect();
  await admin.configSet("hash-max-listpack-entries", "4");
  admin.destroy();
  const others = await Promise.all(Array.from({ length: 5 }, (_, at) => rig.member(0, name, `first ${at}`)));
  // All are connected before one joins: from then on each is told of the others.
  const groups = [];
  for (let at = 0; at < 10; at++)
    groups.push(await Promise.all(Array.from({ length: 25 }, () => rig.watcher(0, name))));
  for (const group of groups) await Promise.all(group.map((one) => one.join({ name: "x" })));
  const all = 5 + 250 + 1;
  await waitFor(() => room.members.size === all, "all members", 30_000);
  drops = true;
  await others[0]?.leave();
  await waitFor(() => dropped === 1, "the loss");
  expect(room.members.size).toBe(all);
  await others[1]?.leave();
  await waitFor(() => room.members.size === all - 2, "the list to be read");
  expect(pages).toBeGreaterThan(0);
  expect(seen.changes.flatMap(({ left }) => left)).toHaveLength(2);
}, 90_000);
