import { createClient } from "redis";
import { expect, test } from "vitest";
import { startPresence } from "../integration/presence-rig.ts";
import { sessionId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

// Instances that are killed, stopped, and thawed, and a Redis that is away or empty. The lease is 3 s, so that its ends are
// worth waiting for.

const about = (told: readonly string[], name: string) => told.filter((line) => line.endsWith(` ${name}`));

async function sinceThen(ms: number): Promise<void> {
  const begunMs = performance.now();
  await waitFor(() => performance.now() - begunMs >= ms, `${ms} ms`, ms + 5_000);
}

test.concurrent("the members of a killed instance leave once, though two others remove them", async () => {
  const left: string[] = [];
  const onLeave = ({ session, reason }: { session: string; reason: string }) => void left.push(`${session} ${reason}`);
  await using rig = await startPresence(2, {}, { onLeave });
  const room = uniqueRoom();
  const killed = await rig.startProcess();
  const watchers = [await rig.member(0, room, "w0"), await rig.member(1, room, "w1")];
  const lost = [await rig.member(killed, room, "ann"), await rig.member(killed, room, "bob")];
  for (const watcher of watchers) await watcher.sees("ann", "bob", "w0", "w1");
  for (const { socket } of lost) socket.io.reconnection(false);
  await killed.kill();
  for (const watcher of watchers) await watcher.sees("w0", "w1");
  expect(left.toSorted()).toEqual(lost.map(({ session }) => `${session} lost`).toSorted());
  for (const { told } of watchers) expect(about(told, "ann")).toEqual(["joined ann", "left ann"]);
});

test.concurrent("a session that is back through another instance survives the death of the first one in silence", async () => {
  await using rig = await startPresence(2);
  const room = uniqueRoom();
  const killed = await rig.startProcess();
  const watcher = await rig.member(0, room, "watcher");
  const session = sessionId();
  const first = await rig.member(killed, room, "ann", { session });
  first.socket.io.reconnection(false);
  const other = await rig.member(killed, room, "bob");
  other.socket.io.reconnection(false);
  await watcher.sees("ann", "bob", "watcher");
  await killed.kill();
  await rig.member(1, room, "ann", { session });
  await watcher.sees("ann", "watcher");
  expect(about(watcher.told, "ann")).toEqual(["joined ann"]);
});

test.concurrent("a thawed instance brings no ghost back, and registers who is still there", async () => {
  await using rig = await startPresence(1);
  const room = uniqueRoom();
  const frozen = await rig.startProcess();
  const watcher = await rig.member(0, room, "watcher");
  const stays = await rig.member(frozen, room, "stays");
  const goes = await rig.member(frozen, room, "goes");
  const late = await rig.watcher(frozen, room);
  await watcher.sees("goes", "stays", "watcher");
  frozen.freeze();
  // What lies in the buffer of the frozen instance: a join whose client is gone when it is carried out.
  const joining = late.join({ name: "ghost" }).catch(() => undefined);
  await watcher.sees("watcher");
  for (const { socket } of [goes, late]) {
    socket.io.reconnection(false);
    socket.disconnect();
  }
  frozen.thaw();
  await watcher.sees("stays", "watcher");
  await joining;
  // A change of the thawed instance, behind all that lay in its buffers.
  await stays.update("still here");
  await watcher.sees("still here", "watcher");
  expect(about(watcher.told, "goes")).toEqual(["joined goes", "left goes"]);
  await waitFor(async () => (await rig.servers[0]?.members(room))?.length === 2, "the list to be that of who is there");
});

test.concurrent("an instance that ends removes nobody: who comes back within the grace never left, and the others leave after it", async () => {
  await using rig = await startPresence(1, { presenceGraceSeconds: 3 });
  const room = uniqueRoom();
  const ending = await rig.startProcess({ PRESENCE_GRACE_SECONDS: "3", PRESENCE_LEASE_SECONDS: "60" });
  const watcher = await rig.member(0, room, "watcher");
  const session = sessionId();
  const back = await rig.member(ending, room, "ann", { session });
  const gone = await rig.member(ending, room, "bob");
  await watcher.sees("ann", "bob", "watcher");
  for (const { socket } of [back, gone]) socket.io.reconnection(false);
  // Until then the first lease of this Redis is so new that nobody is taken for dead.
  await sinceThen(3_500);
  ending.signal("SIGTERM");
  await ending.exit;
  // The other instance looks at the leases every second.
  await sinceThen(1_500);
  expect(watcher.told.filter((told) => told.startsWith("left"))).toEqual([]);
  await rig.member(0, room, "ann", { session });
  await watcher.sees("ann", "watcher");
  expect(about(watcher.told, "ann")).toEqual(["joined ann"]);
});

test.concurrent("a Redis that was away for longer than the leases is nobody's death", async () => {
  await using rig = await startPresence(2);
  const room = uniqueRoom();
  const ann = await rig.member(0, room, "ann");
  const bob = await rig.member(1, room, "bob");
  await ann.sees("ann", "bob");
  rig.redis.freeze();
  await sinceThen(7_000);
  rig.redis.thaw();
  // Longer than the calm after the outage, and all who could be reaped by mistake would be.
  await waitFor(async () => (await bob.update("robert").then(() => true)) && true, "an update to succeed", 15_000);
  await ann.sees("ann", "robert");
  await sinceThen(5_000);
  expect([...ann.told, ...bob.told].filter((told) => told.startsWith("left"))).toEqual([]);
  expect(ann.names()).toEqual(["ann", "robert"]);
  bob.socket.disconnect();
  await ann.sees("ann");
});

test.concurrent.each([
  ["is flushed", "flush"],
  ["restarts without its data", "restart"],
])("after a Redis that %s all instances register their members again, and nothing shows", async (_what, how) => {
  const told: string[] = [];
  const hooks = { onJoin: () => void told.push("join"), onLeave: () => void told.push("leave") };
  await using rig = await startPresence(2, {}, hooks);
  const room = uniqueRoom();
  const ann = await rig.member(0, room, "ann");
  const bob = await rig.member(1, room, "bob");
  await ann.sees("ann", "bob");
  await bob.sees("ann", "bob");
  await waitFor(() => told.length === 2, "both joins to be told");
  const epoch = ann.members.version?.split("-")[0];
  if (how === "flush") {
    const admin = createClient({ url: rig.redis.url });
    await admin.connect();
    await admin.flushAll();
    admin.destroy();
  } else await rig.redis.restart({ keepData: false });
  await waitFor(
    async () => (await rig.servers[0]?.members(room))?.length === 2,
    "the members to be registered",
    20_000,
  );
  // Whoever leaves now is told behind the calm, and in a new epoch.
  const cid = await rig.member(1, room, "cid");
  await ann.sees("ann", "bob", "cid");
  cid.socket.disconnect();
  await ann.sees("ann", "bob");
  expect(ann.members.version?.split("-")[0]).not.toBe(epoch);
  expect([...ann.told, ...bob.told].filter((line) => line.startsWith("left") && !line.endsWith("cid"))).toEqual([]);
  expect(about(ann.told, "bob")).toEqual(["joined bob"]);
  await waitFor(() => told.length === 4, "the hooks of cid");
  expect(told).toEqual(["join", "join", "join", "leave"]);
});

test.concurrent("changes that came while the subscriptions were lost are found when they are back", async () => {
  await using rig = await startPresence(2);
  const room = uniqueRoom();
  const ann = await rig.member(0, room, "ann");
  const admin = createClient({ url: rig.redis.url });
  await admin.connect();
  for (let round = 0; round < 3; round += 1) {
    await admin.sendCommand(["CLIENT", "KILL", "TYPE", "pubsub"]);
    const bob = await rig.member(1, room, `bob${round}`);
    await ann.sees("ann", `bob${round}`);
    await admin.sendCommand(["CLIENT", "KILL", "TYPE", "pubsub"]);
    bob.socket.disconnect();
    await ann.sees("ann");
  }
  admin.destroy();
});

test.concurrent("a client that falls silent is shown for at most 15 s after it was heard last", async () => {
  await using rig = await startPresence(1);
  const room = uniqueRoom();
  const watcher = await rig.member(0, room, "watcher");
  const silent = await rig.member(0, room, "silent");
  await watcher.sees("silent", "watcher");
  // It stays open, and answers no ping.
  const { engine } = silent.socket.io;
  Object.assign(engine, { _sendPacket: () => undefined });
  const begunMs = performance.now();
  await watcher.sees("watcher");
  expect(performance.now() - begunMs).toBeLessThan(20_000);
  expect(about(watcher.told, "silent")).toEqual(["joined silent", "left silent"]);
});
