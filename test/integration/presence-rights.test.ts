import { expect, test } from "vitest";
import { ask, askData, collect, type StockSocket } from "../support/stock-client.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { type AuthRig, startAuthRig } from "./auth-rig.ts";

async function usersIn(rig: AuthRig, room: string): Promise<(string | null)[]> {
  return (await rig.server.members(room)).map(({ user }) => user).toSorted();
}

/** Joins as a member, and keeps what is told of the members. */
async function member(rig: AuthRig, room: string, token: string, instance = 0) {
  const socket: StockSocket = await rig.stock({ token }, instance);
  const changes = collect(socket, "presence:changed");
  await askData(socket, "room:join", { room, presence: true });
  return { socket, changes };
}

test("a member whose fresh token lets it only read is a member no more, and goes on watching and reading", async () => {
  await using rig = await startAuthRig({}, { instances: 2 });
  const room = uniqueRoom();
  const other = await member(rig, room, await rig.token("other", { rooms: { [room]: "read write" } }), 1);
  const ann = await member(rig, room, await rig.token("ann", { rooms: { [room]: "read write" } }));
  using revoked = collect(ann.socket, "room:revoked");
  using published = collect(ann.socket, "message:published");
  await waitFor(async () => (await usersIn(rig, room)).length === 2, "both to be members");
  await askData(ann.socket, "token:refresh", { token: await rig.token("ann", { rooms: { [room]: "read" } }) });
  for (const { changes } of [other, ann]) {
    await changes.waitFor(({ left, count }) => left.length === 1 && count === 1, "the end of the membership");
  }
  expect(await usersIn(rig, room)).toEqual(["other"]);
  expect(await ask(ann.socket, "presence:update", { room, state: {} })).toMatchObject({
    error: { code: "FORBIDDEN" },
  });
  // It comes back as one that watches.
  expect(await askData(ann.socket, "room:join", { room, presence: true })).toMatchObject({ count: 1 });
  other.socket.disconnect();
  await ann.changes.waitFor(({ count }) => count === 0, "the next change");
  await rig.server.publish(room, "said", "hello");
  await published.waitFor(() => true, "the message");
  expect(revoked.items).toEqual([]);
});

test("an application that takes the right to write away by a recheck ends a membership, on every instance", async () => {
  const mayWrite = new Set(["ann"]);
  const application = {
    authorize: ({ user, action }: { user: string | null; action: string }) =>
      action === "read" || mayWrite.has(user ?? ""),
  };
  await using rig = await startAuthRig(application, { instances: 2 });
  const room = uniqueRoom();
  const ann = await member(rig, room, await rig.token("ann"), 1);
  expect(await usersIn(rig, room)).toEqual(["ann"]);
  mayWrite.clear();
  await rig.server.recheck("ann");
  await ann.changes.waitFor(({ left, count }) => left.length === 1 && count === 0, "the end of the membership");
  expect(await usersIn(rig, room)).toEqual([]);
});

test("a connection that may only read is told of the members and is none, with a state and without", async () => {
  await using rig = await startAuthRig();
  const room = uniqueRoom();
  const reader = await rig.stock({ token: await rig.token("ann", { rooms: { [room]: "read" } }) });
  for (const presence of [true, { name: "ann" }]) {
    expect(await askData(reader, "room:join", { room, presence })).toMatchObject({ count: 0, members: [] });
  }
  expect(await usersIn(rig, room)).toEqual([]);
});
