import { expect, test } from "vitest";
import { uniqueRoom } from "../support/unique.ts";
import { startPresence } from "./presence-rig.ts";

test("members of two instances see each other join, change and leave", async () => {
  await using rig = await startPresence(2);
  const room = uniqueRoom();
  const ann = await rig.member(0, room, "ann");
  expect(ann.names()).toEqual(["ann"]);
  const bob = await rig.member(1, room, "bob");
  expect(bob.names()).toEqual(["ann", "bob"]);
  await ann.sees("ann", "bob");
  await bob.update("robert");
  await ann.sees("ann", "robert");
  await bob.leave();
  await ann.sees("ann");
  expect(ann.told).toEqual(["joined ann", "joined bob", "updated robert", "left robert"]);
  const members = await rig.servers[1]?.members(room);
  expect(members).toMatchObject([{ session: ann.session, user: null, state: { name: "ann" } }]);
});
