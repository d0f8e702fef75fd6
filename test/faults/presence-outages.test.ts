import { createClient } from "redis";
import { expect, test } from "vitest";
import { presenceKeys } from "../../server/src/presence/keys.ts";
import { startPresence } from "../integration/presence-rig.ts";
import { startRelay } from "../support/tcp-relay.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

async function sinceThen(ms: number): Promise<void> {
  const begunMs = performance.now();
  await waitFor(() => performance.now() - begunMs >= ms, `${ms} ms`, ms + 5_000);
}

test.concurrent("of ten instances that Redis was away for, none takes another one for dead", async () => {
  const left: string[] = [];
  await using rig = await startPresence(10, {}, { onLeave: ({ session }) => void left.push(session) });
  const room = uniqueRoom();
  const members = await Promise.all(rig.servers.map((_, at) => rig.member(at, room, String(at))));
  const names = members.map((_, at) => String(at));
  for (const member of members) await member.sees(...names);
  // Past the calm of a Redis that is new, in which nobody is taken for dead in any case.
  await sinceThen(3_500);
  rig.redis.freeze();
  await sinceThen(6_000);
  rig.redis.thaw();
  await waitFor(async () => members[0]?.update("again").then(() => true), "an update to succeed", 15_000);
  for (const member of members) await member.sees("again", ...names.slice(1));
  // Past the calm after the outage.
  await sinceThen(4_500);
  expect(left).toEqual([]);
  for (const { told } of members) expect(told.filter((line) => line.startsWith("left"))).toEqual([]);
});

test.concurrent.each(["all of them", "one of them"])(
  "members of a room that Redis has lost are registered again, though the leases are kept: %s",
  async (which) => {
    const left: string[] = [];
    // With this retention the room is compared every 2 s.
    const hooks = { onLeave: ({ session }: { session: string }) => void left.push(session) };
    await using rig = await startPresence(2, { historyTtlSeconds: 6 }, hooks);
    const room = uniqueRoom();
    const ann = await rig.member(0, room, "ann");
    const bob = await rig.member(1, room, "bob");
    await ann.sees("ann", "bob");
    await bob.sees("ann", "bob");
    const admin = createClient({ url: rig.redis.url });
    await admin.connect();
    const { members, states, instances, version } = presenceKeys(rig.keyPrefix, room);
    if (which === "all of them") await admin.del([members, states, instances, version]);
    else {
      const [value = ""] = await admin.hmGet(members, [bob.session]);
      await admin.hDel(members, bob.session);
      await admin.hDel(instances, (value ?? "").split("|")[1]?.split(".")[0] ?? "");
    }
    admin.destroy();
    await waitFor(async () => (await rig.servers[0]?.members(room))?.length === 2, "both to be there again", 20_000);
    const cid = await rig.member(1, room, "cid");
    await ann.sees("ann", "bob", "cid");
    await bob.sees("ann", "bob", "cid");
    expect(cid.names()).toContain("ann");
    expect([...ann.told, ...bob.told].filter((line) => line.startsWith("left"))).toEqual([]);
    expect(left).toEqual([]);
  },
);

test.concurrent("of a thawed instance only who was heard after the thaw is registered, though other connections look open", async () => {
  await using rig = await startPresence(1);
  const room = uniqueRoom();
  const frozen = await rig.startProcess();
  await using relay = await startRelay(frozen.port);
  const watcher = await rig.member(0, room, "watcher");
  await rig.member(frozen, room, "stays");
  const silent = await rig.member({ url: `http://127.0.0.1:${relay.port}` }, room, "silent");
  silent.socket.io.reconnection(false);
  await watcher.sees("silent", "stays", "watcher");
  frozen.freeze();
  // Its network is gone without a word: for the instance its connection stays open.
  relay.blackhole();
  await watcher.sees("watcher");
  frozen.thaw();
  await watcher.sees("stays", "watcher");
  await waitFor(async () => (await rig.servers[0]?.members(room))?.length === 2, "the list to be that of who is there");
  expect(watcher.told.filter((line) => line.endsWith(" silent"))).toEqual(["joined silent", "left silent"]);
});
