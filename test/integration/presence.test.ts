import { createClient } from "redis";
import { expect, test } from "vitest";
import { roomKeys } from "../../server/src/log/keys.ts";
import { leasesKey, presenceKeys } from "../../server/src/presence/keys.ts";
import { connectPacket, fence, openEngine } from "../support/raw-engine.ts";
import { ask, askData, connectStock } from "../support/stock-client.ts";
import { sessionId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
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

test("a session that moves is no leave and no join, in whatever order its connections come and go", async () => {
  await using rig = await startPresence(2);
  const room = uniqueRoom();
  const watcher = await rig.watcher(0, room);
  await watcher.join();
  const session = sessionId();
  const first = await rig.member(0, room, "ann", { session });
  await watcher.sees("ann", "nobody");
  const second = await rig.member(1, room, "ann", { session });
  // The old connection catches up once more, and goes.
  await first.join({ name: "ann" });
  first.socket.disconnect();
  await second.update("ann again");
  await watcher.sees("ann again", "nobody");
  expect(watcher.told).toEqual(["joined nobody", "joined ann", "updated ann again"]);
});

test("who leaves with a new connection has left, though an old one of the session is still open", async () => {
  await using rig = await startPresence(2);
  const room = uniqueRoom();
  const watcher = await rig.member(0, room, "watcher");
  const session = sessionId();
  await rig.member(0, room, "ann", { session });
  const second = await rig.member(1, room, "ann", { session });
  await watcher.sees("ann", "watcher");
  await second.leave();
  await watcher.sees("watcher");
  // The instance of the old connection knows, too: it does not register it anew.
  await rig.member(1, room, "fence");
  await watcher.sees("fence", "watcher");
  expect(watcher.told.filter((told) => told.includes("ann"))).toEqual(["joined ann", "left ann"]);
});

test("a leave of an old connection that comes late does not end the new one", async () => {
  await using rig = await startPresence(2);
  const room = uniqueRoom();
  const session = sessionId();
  const first = await rig.member(0, room, "ann", { session });
  const second = await rig.member(1, room, "ann", { session });
  await first.leave();
  const fence = await rig.member(0, room, "fence");
  await second.sees("ann", "fence");
  expect(fence.names()).toEqual(["ann", "fence"]);
});

test("a client that is back within the grace never left, and one that is not has left once", async () => {
  const left: unknown[] = [];
  const joined: string[] = [];
  const application = {
    onJoin: ({ session }: { session: string }) => void joined.push(session),
    onLeave: (what: object) => void left.push(what),
  };
  await using rig = await startPresence(2, { presenceGraceSeconds: 2 }, application);
  const room = uniqueRoom();
  const watcher = await rig.member(0, room, "watcher");
  const session = sessionId();
  const cut = await rig.member(0, room, "ann", { session });
  cut.socket.io.engine.close();
  // The instance has noticed the cut by then, and told what it shows.
  const fence = await rig.member(0, room, "fence");
  await watcher.sees("ann", "fence", "watcher");
  await fence.leave();
  const back = await rig.member(1, room, "ann", { session });
  await watcher.sees("ann", "watcher");
  back.socket.io.engine.close();
  await watcher.sees("watcher");
  expect(watcher.told.filter((told) => told.includes("ann"))).toEqual(["joined ann", "left ann"]);
  await waitFor(() => left.length > 1, "onLeave");
  expect(left.slice(1)).toEqual([{ room, user: null, session, reason: "disconnected", count: 1 }]);
  expect(joined.filter((one) => one === session)).toEqual([session]);
});

test("a client that closes its connection leaves at once", async () => {
  await using rig = await startPresence(2, { presenceGraceSeconds: 600 });
  const room = uniqueRoom();
  const watcher = await rig.member(0, room, "watcher");
  const ann = await rig.member(1, room, "ann");
  await watcher.sees("ann", "watcher");
  ann.socket.disconnect();
  await watcher.sees("watcher");
});

test("a room is told one by one up to the limit, above it by its number, and one by one again below four fifths", async () => {
  await using rig = await startPresence(2, { presenceAnnounceMax: 5 });
  const room = uniqueRoom();
  const watcher = await rig.member(0, room, "0");
  const others = await Promise.all(Array.from({ length: 5 }, (_, at) => rig.member(at % 2, room, String(at + 1))));
  await waitFor(() => watcher.members.count === 6, "the number of members");
  expect(watcher.names()).toEqual([]);
  const late = await rig.watcher(1, room);
  await late.join();
  expect([late.members.count, late.names()]).toEqual([7, []]);
  await late.leave();
  await others[0]?.leave();
  await waitFor(() => watcher.members.count === 5, "the number after a leave");
  // At the edge the mode stays: else every client would read the list again and again.
  expect(watcher.names()).toEqual([]);
  await others[1]?.leave();
  await watcher.sees("0", "3", "4", "5");
  expect(watcher.told.filter((told) => told.startsWith("left"))).toEqual([]);
});

test("a list is read page by page, and a cursor of another epoch begins anew", async () => {
  await using rig = await startPresence(1, { presenceAnnounceMax: 10 });
  const room = uniqueRoom();
  const sockets = await Promise.all(Array.from({ length: 30 }, () => connectStock(rig.servers[0]?.url ?? "")));
  try {
    // Enough for Redis to keep a table, of which a scan reads a part.
    const name = "n".repeat(100);
    const reader = sockets[0];
    if (reader === undefined) throw new Error("expected a socket");
    await Promise.all(sockets.map((socket) => askData(socket, "room:join", { room, presence: { name } })));
    const admin = createClient({ url: rig.redis.url });
    await admin.connect();
    await admin.configSet("hash-max-listpack-entries", "4");
    const keys = presenceKeys(rig.keyPrefix, room);
    await admin.hSet(keys.members, "another-session-1", `1|x.1|null`);
    await admin.hDel(keys.members, "another-session-1");
    const sessions = new Set<string>();
    const pages = [];
    for (let cursor: string | undefined; ; ) {
      const page = await askData(reader, "presence:list", { room, limit: 10, ...(cursor !== undefined && { cursor }) });
      pages.push(page);
      for (const { session } of page.members) sessions.add(session);
      if (page.cursor === undefined) break;
      cursor = page.cursor;
    }
    expect(pages.length).toBeGreaterThan(1);
    expect(sessions.size).toBe(30);
    const [first] = pages;
    const again = await askData(reader, "presence:list", { room, limit: 10, cursor: "0123456789:17" });
    expect(again.members).toEqual(first?.members);
    const response = await fetch(`${rig.servers[0]?.url}/rooms/${room}/members?limit=10`);
    expect(await response.json()).toEqual(first);
    expect(await rig.servers[0]?.members(room)).toHaveLength(30);
    admin.destroy();
  } finally {
    for (const socket of sockets) socket.disconnect();
  }
});

test("of two connections of a session only the newer one sets its state", async () => {
  await using rig = await startPresence(2);
  const room = uniqueRoom();
  const session = sessionId();
  const first = await rig.member(0, room, "old", { session });
  const second = await rig.member(1, room, "new", { session });
  await second.sees("new");
  await first.update("late");
  await second.update("newest");
  await second.sees("newest");
  expect(second.told.filter((told) => told.includes("late"))).toEqual([]);
});

test("of many updates at once a few are told, and the last one counts", async () => {
  await using rig = await startPresence(1);
  const room = uniqueRoom();
  const watcher = await rig.member(0, room, "watcher");
  const ann = await rig.member(0, room, "ann");
  await watcher.sees("ann", "watcher");
  await Promise.all(Array.from({ length: 50 }, (_, at) => ann.update(`ann ${at}`)));
  await watcher.sees("ann 49", "watcher");
  expect(watcher.told.filter((told) => told.startsWith("updated")).length).toBeLessThan(5);
});

test("a state is checked by the contract, and its size is limited", async () => {
  await using rig = await startPresence(1);
  const room = uniqueRoom();
  const watcher = await rig.watcher(0, room);
  const join = (presence: unknown, where = room) => ask(watcher.socket, "room:join", { room: where, presence });
  expect(await join({ name: 1 })).toMatchObject({
    error: { code: "INVALID_PAYLOAD", message: expect.stringMatching(/^state\.name/) },
  });
  expect(await join({ name: "n".repeat(2_100) })).toMatchObject({ error: { code: "PAYLOAD_TOO_LARGE" } });
  expect(await join({ name: "ann" }, "plain:1")).toMatchObject({ error: { code: "INVALID_PAYLOAD" } });
  expect(await join(true, "plain:1")).toMatchObject({ ok: true, data: { count: 1 } });
  const update = { room, state: { name: "ann" } };
  expect(await ask(watcher.socket, "presence:update", update)).toMatchObject({ error: { code: "NOT_JOINED" } });
});

test("a member may withdraw and stay in the room, and be one again", async () => {
  await using rig = await startPresence(1);
  const room = uniqueRoom();
  const watcher = await rig.member(0, room, "watcher");
  const ann = await rig.member(0, room, "ann");
  await askData(ann.socket, "presence:update", { room, state: null });
  await watcher.sees("watcher");
  await ann.sees("watcher");
  await ann.update("ann");
  await watcher.sees("ann", "watcher");
});

test("a client that comes back is told what has changed, and not the whole list", async () => {
  await using rig = await startPresence(1);
  const room = uniqueRoom();
  const ann = await rig.member(0, room, "ann");
  const bob = await rig.member(0, room, "bob");
  await ann.sees("ann", "bob");
  const version = ann.members.version ?? "";
  await bob.update("robert");
  await ann.sees("ann", "robert");
  const told = ann.notices;
  const again = await askData(ann.socket, "room:join", { room, presence: { name: "ann" }, version });
  expect(again.members).toBeUndefined();
  await waitFor(() => ann.notices > told, "what has changed since");
  const unknown = await askData(ann.socket, "room:join", { room, presence: { name: "ann" }, version: "abc-1" });
  expect(unknown.members).toHaveLength(2);
});

test("a room that nobody watches publishes to nobody, and one without members keeps nothing", async () => {
  await using rig = await startPresence(1);
  const room = uniqueRoom();
  const ann = await rig.member(0, room, "ann");
  const admin = createClient({ url: rig.redis.url });
  await admin.connect();
  const { channel } = presenceKeys(rig.keyPrefix, room);
  const subscribers = async () => (await admin.sendCommand(["PUBSUB", "SHARDNUMSUB", channel])) as unknown[];
  expect(await subscribers()).toEqual([channel, 1]);
  await ann.leave();
  await waitFor(async () => (await subscribers())[1] === 0, "the end of the subscription");
  const { members, states, instances } = presenceKeys(rig.keyPrefix, room);
  await waitFor(async () => (await admin.exists([members, states, instances])) === 0, "the end of the members");
  admin.destroy();
});

test("of a room with members everything expires by itself where no instance looks after it", async () => {
  await using rig = await startPresence(1, { historyTtlSeconds: 100 });
  const room = uniqueRoom();
  await rig.member(0, room, "ann");
  const admin = createClient({ url: rig.redis.url });
  await admin.connect();
  const { members, states, instances, version } = presenceKeys(rig.keyPrefix, room);
  for (const key of [members, states, instances, version]) {
    const ttl = await admin.ttl(key);
    expect(ttl, key).toBeGreaterThan(60);
    expect(ttl, key).toBeLessThanOrEqual(100);
  }
  admin.destroy();
});

test("a room's members are compared with Redis in the call that checks its log, and by themselves only where nobody watches", async () => {
  // With this retention the log is checked every 2 s, and so are the members.
  await using rig = await startPresence(1, { historyTtlSeconds: 6, presenceGraceSeconds: 60 });
  const room = uniqueRoom();
  const ann = await rig.member(0, room, "ann");
  await using admin = await monitorScripts(rig.redis.url);
  const { instances } = presenceKeys(rig.keyPrefix, room);
  const { log } = roomKeys(rig.keyPrefix, room);
  const calls = () => admin.calls.filter((call) => call.includes(instances));
  await waitFor(() => calls().length > 2, "checks of the room");
  expect(calls().filter((call) => !call.includes(log))).toEqual([]);
  // What Redis holds and this instance does not is noticed by them.
  await admin.client.hSet(instances, "stranger", "1");
  await waitFor(async () => !(await admin.client.hExists(instances, "stranger")), "the stranger to be removed");
  ann.socket.io.engine.close();
  const before = calls().length;
  await waitFor(
    () =>
      calls()
        .slice(before)
        .some((call) => !call.includes(log)),
    "a check of the members alone",
    25_000,
  );
});

/** The scripts that clients call, each as its keys and arguments. */
async function monitorScripts(url: string) {
  const client = createClient({ url });
  const monitor = createClient({ url });
  await Promise.all([client.connect(), monitor.connect()]);
  const calls: string[] = [];
  await monitor.monitor((line) => {
    const text = line.toString();
    if (/"evalsha"/i.test(text)) calls.push(text);
  });
  return {
    client,
    calls,
    async [Symbol.asyncDispose]() {
      monitor.destroy();
      client.destroy();
    },
  };
}

test("a state that waits for its turn makes no member of a client that has left meanwhile", async () => {
  await using rig = await startPresence(1);
  const room = uniqueRoom();
  const watcher = await rig.member(0, room, "watcher");
  const ann = await rig.member(0, room, "ann");
  await ann.update("first");
  const waiting = ask(ann.socket, "presence:update", { room, state: { name: "late" } });
  const answer = await Promise.all([waiting, ann.leave()]);
  expect(answer[0]).toMatchObject({ error: { code: "NOT_JOINED" } });
  // Behind the moment at which it would have been stored.
  const fence = await rig.member(0, room, "fence");
  await fence.update("fence 1");
  await fence.update("fence 2");
  await watcher.sees("fence 2", "watcher");
  expect(watcher.told.filter((told) => told.endsWith(" late"))).toEqual([]);
});

test("who leaves while it joins again is no member any more, and is told nothing further", async () => {
  await using rig = await startPresence(1);
  const room = uniqueRoom();
  const watcher = await rig.member(0, room, "watcher");
  using ann = await openEngine(rig.servers[0]?.url ?? "");
  const join = (id: number) => `42${id}${JSON.stringify(["room:join", { room, presence: { name: "ann" } }])}`;
  ann.sendAll([connectPacket()]);
  await ann.sees("40{");
  ann.sendAll([join(0)]);
  await ann.sees("430");
  await watcher.sees("ann", "watcher");
  ann.sendAll([join(1), `422${JSON.stringify(["room:leave", { room }])}`]);
  await ann.sees("431");
  await ann.sees("432");
  const toldBefore = ann.count('42["presence:changed"');
  await rig.member(0, room, "behind");
  await watcher.sees("behind", "watcher");
  await fence(rig.servers[0]?.url ?? "");
  expect(ann.count('42["presence:changed"')).toBe(toldBefore);
});

test("who leaves while a join waits for its instance to be registered again is no member any more", async () => {
  await using rig = await startPresence(1);
  const room = uniqueRoom();
  const watcher = await rig.member(0, room, "watcher");
  const ann = await rig.member(0, room, "ann");
  const admin = createClient({ url: rig.redis.url });
  await admin.connect();
  await admin.del(leasesKey(rig.keyPrefix));
  await waitFor(() => rig.logged.some((line) => line.includes("lapsed")), "the lease to be missed");
  const leases = () => admin.zRange(leasesKey(rig.keyPrefix), 0, -1);
  await waitFor(async () => (await leases()).some((name) => /^[^#~@]/.test(name)), "the lease of a new name");
  admin.destroy();
  await ask(ann.socket, "echo", "the registration has begun");
  const again = ask(ann.socket, "room:join", { room, presence: { name: "ann" } });
  await ask(ann.socket, "echo", "behind the join");
  await ann.leave();
  expect(await again).toMatchObject({ error: { code: "UNAVAILABLE" } });
  await rig.member(0, room, "behind");
  await watcher.sees("behind", "watcher");
  expect((await rig.servers[0]?.members(room))?.length).toBe(2);
});

test("who leaves through another instance in the grace of an old connection does not come back", async () => {
  await using rig = await startPresence(2, { presenceGraceSeconds: 60 });
  const room = uniqueRoom();
  const session = sessionId();
  const watcher = await rig.member(1, room, "watcher");
  const first = await rig.member(0, room, "ann", { session });
  first.socket.io.engine.close();
  const second = await rig.member(1, room, "ann", { session });
  await watcher.sees("ann", "watcher");
  // Nobody on the first instance watches any more.
  await second.leave();
  await watcher.sees("watcher");
  // The first instance now doubts what Redis holds, and registers whom it has.
  const admin = createClient({ url: rig.redis.url });
  await admin.connect();
  await admin.flushAll();
  admin.destroy();
  const fence = await rig.member(0, room, "fence");
  await watcher.sees("fence", "watcher");
  expect(fence.names()).not.toContain("ann");
  expect(watcher.told.filter((told) => told.endsWith(" ann"))).toEqual(["joined ann", "left ann"]);
});

test("members held, rooms watched, joins and leaves are counted", async () => {
  await using rig = await startPresence(1, { adminToken: "an-admin-token-of-a-test" });
  const room = uniqueRoom();
  const watcher = await rig.watcher(0, room);
  await watcher.join();
  const ann = await rig.member(0, room, "ann");
  const bob = await rig.member(0, room, "bob");
  await ann.leave();
  bob.socket.disconnect();
  await watcher.sees("nobody");
  const response = await fetch(`${rig.servers[0]?.url}/metrics`, {
    headers: { authorization: "Bearer an-admin-token-of-a-test" },
  });
  const text = await response.text();
  for (const line of [
    "holdfast_members 1",
    "holdfast_rooms_watched 1",
    "holdfast_member_joins_total 3",
    'holdfast_member_leaves_total{reason="left"} 1',
    'holdfast_member_leaves_total{reason="disconnected"} 1',
  ]) {
    expect(text.split("\n")).toContain(line);
  }
});

test("a storm of joins in a room that is counted costs few frames, few calls, and shows its number at once", async () => {
  await using rig = await startPresence(2, { presenceAnnounceMax: 5 });
  const room = uniqueRoom();
  const watcher = await rig.member(0, room, "watcher");
  await using admin = await monitorScripts(rig.redis.url);
  const subscriber = createClient({ url: rig.redis.url });
  await subscriber.connect();
  const keys = presenceKeys(rig.keyPrefix, room);
  let frames = 0;
  await subscriber.sSubscribe(keys.channel, () => {
    frames += 1;
  });
  const joins = 200;
  const sockets = await Promise.all(
    Array.from({ length: joins }, (_, at) => connectStock(rig.servers[at % 2]?.url ?? "")),
  );
  try {
    const before = { calls: admin.calls.length, notices: watcher.notices };
    const begunMs = performance.now();
    // One after the other, from several sides, so that instances cannot add many in one call.
    const waiting = sockets.values();
    const joinSome = async () => {
      for (const socket of waiting) await askData(socket, "room:join", { room, presence: true });
    };
    await Promise.all(Array.from({ length: 4 }, joinSome));
    const tookMs = performance.now() - begunMs;
    await waitFor(() => watcher.members.count === joins + 1, "the number of members", 2_000);
    const turns = tookMs / 50 + 1;
    // The first ones are told one by one. Then the script publishes every 50 ms at most, whoever asks for it.
    expect(frames).toBeLessThanOrEqual(6 + turns);
    const calls = admin.calls.slice(before.calls).filter((call) => call.includes(keys.members));
    // A call adds what has come while the one before it was under way; a flush comes every 50 ms at most.
    expect(calls.length).toBeLessThanOrEqual(joins + 2 * turns);
    expect(watcher.notices - before.notices).toBeLessThanOrEqual(tookMs / 200 + 3);
  } finally {
    for (const socket of sockets) socket.disconnect();
    subscriber.destroy();
  }
});

test("of many large states that change at once a notification carries 64 KB, and the next ones the rest", async () => {
  await using rig = await startPresence(1);
  const room = uniqueRoom();
  const watcher = await rig.member(0, room, "watcher");
  const members = await Promise.all(Array.from({ length: 60 }, (_, at) => rig.member(0, room, `m${at}`)));
  await waitFor(() => watcher.names().length === 61, "all to be shown");
  const sizes: number[] = [];
  watcher.socket.on("presence:changed", ({ joined, updated }) => {
    sizes.push(JSON.stringify([...joined, ...updated].map(({ state }) => state)).length);
  });
  const large = (at: number) => `m${at} ${"x".repeat(1_900)}`;
  await Promise.all(members.map((member, at) => member.update(large(at))));
  await watcher.sees("watcher", ...members.map((_, at) => large(at)));
  expect(Math.max(...sizes)).toBeLessThanOrEqual(64 * 1024);
  expect(Math.max(...sizes)).toBeGreaterThan(32 * 1024);
  expect(watcher.told.filter((line) => line.startsWith("left"))).toEqual([]);
});
