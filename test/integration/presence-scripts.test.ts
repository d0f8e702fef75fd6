import { setTimeout as delay } from "node:timers/promises";
import { pino } from "pino";
import { createClient } from "redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { leasesKey, presenceKeys } from "../../server/src/presence/keys.ts";
import { LeaseStore } from "../../server/src/presence/lease-store.ts";
import { isGone } from "../../server/src/presence/lease-view.ts";
import { PresenceStore, type WrittenChange } from "../../server/src/presence/presence-store.ts";
import { createSingleClient } from "../../server/src/redis/single-client.ts";
import { SupervisedClient } from "../../server/src/redis/supervised-client.ts";
import { testWithRedisServer } from "../support/needs.ts";
import { seededRandom } from "../support/random.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { uniquePrefix, uniqueRoom } from "../support/unique.ts";
import { timePasses, waitFor } from "../support/wait.ts";

let server: RedisServer;
let redis: SupervisedClient;
beforeAll(async () => {
  server = await startRedis();
  redis = await openClient(server.url);
});
afterAll(async () => {
  redis.close();
  await server[Symbol.asyncDispose]();
});

async function openClient(url: string): Promise<SupervisedClient> {
  const client = new SupervisedClient({
    role: "commands",
    createClient: (role, events) => createSingleClient(url, role, events),
    logger: pino({ level: "silent" }),
  });
  await client.open();
  return client;
}

function openStore(announceMax = 200, prefix = uniquePrefix(), by = redis): PresenceStore {
  return new PresenceStore({ redis: by, keysOf: (room) => presenceKeys(prefix, room), announceMax, ttlSeconds: 60 });
}

const always = 9_999_999_999_999;

function change(
  kind: WrittenChange["kind"],
  session: string,
  holder: string,
  over: Partial<WrittenChange> = {},
): WrittenChange {
  return { kind, session, holder, userJson: "null", stateJson: "", otherHolder: "", joinedAtMs: undefined, ...over };
}

async function outcomesOf(store: PresenceStore, room: string, ...changes: WrittenChange[]): Promise<string[]> {
  const answer = await store.apply(room, "a", always, changes);
  if (answer === "late") throw new Error("expected to be in time");
  return answer.outcomes.map(({ did }) => did);
}

async function sessionsIn(store: PresenceStore, room: string): Promise<string[]> {
  return (await store.whole(room, "a")).members.map(({ entry }) => entry.member.session).toSorted();
}

test("in whatever order a session's connections come, catch up and go, it joins once and leaves once", async () => {
  const store = openStore();
  const random = seededRandom(20_261);
  for (let round = 0; round < 300; round += 1) {
    const room = uniqueRoom();
    const holders = ["a.1", "b.1", "c.1"];
    // Each comes before it goes, and may come again between; one stays.
    const [stays = "a.1", ...others] = holders.toSorted(() => random() - 0.5);
    const steps = [[stays], ...others.map((holder) => [holder, holder, `-${holder}`])];
    const told: string[] = [];
    while (steps.some((left) => left.length > 0)) {
      const left = steps[Math.floor(random() * steps.length)] ?? [];
      const step = left.shift();
      if (step === undefined) continue;
      // The one that stays is there before the last of the others goes.
      if (step.startsWith("-") && steps[0]?.length === 1) {
        left.unshift(step);
        continue;
      }
      const kind = step.startsWith("-") ? "end" : "add";
      const [did = ""] = await outcomesOf(store, room, change(kind, "session", step.replace("-", "")));
      if (did === "joined" || did === "left") told.push(did);
    }
    expect(told, `round ${round}`).toEqual(["joined"]);
    expect(await outcomesOf(store, room, change("end", "session", stays))).toEqual(["left"]);
  }
});

test("what comes after the end of its lease is not carried out", async () => {
  const store = openStore();
  const room = uniqueRoom();
  const { head } = await store.check(room, "a");
  expect(await store.apply(room, "a", head.redisNowMs - 1, [change("add", "ann", "a.1")])).toBe("late");
  expect(await sessionsIn(store, room)).toEqual([]);
});

test("two that reap the same instance at once remove its members once, and nobody else's", async () => {
  const store = openStore(100_000);
  const room = uniqueRoom();
  const sessions = Array.from({ length: 3_000 }, (_, at) => `s${at}`);
  await outcomesOf(store, room, ...sessions.map((session) => change("add", session, `dead.${session}`)));
  await outcomesOf(store, room, change("add", "s0", "alive.1"), change("add", "other", "alive.2"));
  const reaped = await Promise.all([store.reap(room, "a", "dead"), store.reap(room, "b", "dead")]);
  const left = reaped.flatMap((one) => one.left.map(({ session }) => session));
  expect(left.toSorted()).toEqual(sessions.slice(1).toSorted());
  expect(await sessionsIn(store, room)).toEqual(["other", "s0"]);
  expect((await store.check(room, "a")).holders).toEqual(new Map([["alive", 2]]));
});

test("an instance that takes a new name while it is being reaped keeps its members, and their places", async () => {
  const store = openStore();
  const room = uniqueRoom();
  await outcomesOf(
    store,
    room,
    change("add", "ann", "old.1", { stateJson: '"first"' }),
    change("add", "ann", "b.1", { stateJson: '"second"' }),
  );
  await outcomesOf(store, room, change("add", "gone", "old.2"));
  const restored = change("restore", "ann", "new.1", { otherHolder: "old.1", stateJson: '"first"' });
  expect(await outcomesOf(store, room, restored)).toEqual(["kept"]);
  expect((await store.reap(room, "a", "old")).left.map(({ session }) => session)).toEqual(["gone"]);
  const [listed] = (await store.whole(room, "a")).members;
  expect(listed).toMatchObject({ instances: ["new", "b"], entry: { member: { session: "ann", state: "second" } } });
});

test("a restoration sets a state only where there is none", async () => {
  const store = openStore();
  const room = uniqueRoom();
  await outcomesOf(store, room, change("restore", "ann", "a.1", { stateJson: '"first"', joinedAtMs: 17 }));
  await outcomesOf(store, room, change("restore", "ann", "b.1", { stateJson: '"second"' }));
  const [listed] = (await store.whole(room, "a")).members;
  expect(listed?.entry.member).toMatchObject({ state: "first", joinedAtMs: 17 });
});

test("another user cannot hold, change or end a session's membership", async () => {
  const store = openStore();
  const room = uniqueRoom();
  await outcomesOf(store, room, change("add", "ann", "a.1", { userJson: '"ann"' }));
  const stranger = change("add", "ann", "b.1", { userJson: '"eve"', stateJson: '"hers"' });
  expect(
    await outcomesOf(
      store,
      room,
      stranger,
      change("restore", "ann", "b.1", { userJson: '"eve"', stateJson: '"hers"' }),
      change("leave", "ann", "b.1"),
    ),
  ).toEqual(["refused", "refused", "nothing"]);
  const [listed] = (await store.whole(room, "a")).members;
  expect(listed).toMatchObject({ instances: ["a"], entry: { member: { user: "ann", state: null } } });
});

test("every change that shows has a number, and what is repeated has none", async () => {
  const store = openStore();
  const room = uniqueRoom();
  const numbers: number[] = [];
  const steps = [
    ["add", ""],
    ["add", ""],
    ["add", '"x"'],
    ["add", '"x"'],
    ["end", ""],
    ["end", ""],
  ] as const;
  for (const [kind, stateJson] of steps) {
    const answer = await store.apply(room, "a", always, [change(kind, "ann", "a.1", { stateJson })]);
    if (answer !== "late") numbers.push(answer.head.version.n);
  }
  expect(numbers).toEqual([1, 1, 2, 2, 3, 3]);
});

test("in a room that is counted a storm is published a few times, and the last number always", async () => {
  const prefix = uniquePrefix();
  const store = openStore(10, prefix);
  const room = uniqueRoom();
  const subscriber = createClient({ url: server.url });
  await subscriber.connect();
  const counts: number[] = [];
  await subscriber.sSubscribe(presenceKeys(prefix, room).channel, (text: string) => {
    counts.push((JSON.parse(text) as { count: number }).count);
  });
  await outcomesOf(store, room, ...Array.from({ length: 20 }, (_, at) => change("add", `first${at}`, `a.${at}`)));
  let owes = false;
  for (let at = 0; at < 500; at += 1) {
    const answer = await store.apply(room, "a", always, [change("add", `s${at}`, `a.s${at}`)]);
    if (answer !== "late") owes = answer.head.owesCount;
  }
  while (owes) {
    const answer = await store.apply(room, "a", always, []);
    owes = answer !== "late" && answer.head.owesCount;
    if (owes) await delay(10);
  }
  await waitFor(() => counts.at(-1) === 520, "the last number");
  expect(counts.length).toBeLessThan(100);
  subscriber.destroy();
});

test("a lease that lapsed is refused for ever, and its instance is gone for the others", async () => {
  const leases = new LeaseStore(redis, leasesKey(uniquePrefix()), 900);
  const first = await leases.renew("a", 150, "new");
  expect(first).toMatchObject({ ends: new Map([["a", expect.any(Number)]]) });
  // Another instance renews all the time, so that Redis was not away.
  await waitFor(async () => {
    const view = await leases.renew("b", 900, "new");
    return view !== "lapsed" && view.redisNowMs > view.calmUntilMs;
  }, "the calm to be over");
  expect(await leases.renew("a", 900, "held")).toBe("lapsed");
  expect(await leases.renew("a", 900, "last")).toBe("lapsed");
  await waitFor(async () => {
    const view = await leases.renew("b", 900, "held");
    return view !== "lapsed" && isGone(view, "a") && !isGone(view, "b");
  }, "a to be gone");
});

test("after a time in which nobody renewed, who lapsed may renew, and nobody is gone", async () => {
  const leases = new LeaseStore(redis, leasesKey(uniquePrefix()), 600);
  await leases.renew("a", 600, "new");
  await leases.renew("b", 600, "new");
  // Longer than the leases: Redis was away for both.
  await timePasses(900);
  const view = await leases.renew("b", 600, "held");
  if (view === "lapsed") throw new Error("expected b to be renewed");
  expect(isGone(view, "a")).toBe(false);
  expect(await leases.renew("a", 600, "held")).not.toBe("lapsed");
});

test("an instance without members takes its lease with it", async () => {
  const leases = new LeaseStore(redis, leasesKey(uniquePrefix()), 3_000);
  await leases.renew("a", 3_000, "new");
  await leases.renew("a", 3_000, "drop");
  expect(await leases.renew("b", 3_000, "new")).toMatchObject({ ends: new Map([["b", expect.any(Number)]]) });
});

test("an ending finds its holder under either name of the instance", async () => {
  const store = openStore();
  const room = uniqueRoom();
  await outcomesOf(store, room, change("add", "ann", "new.1"), change("add", "bob", "old.2"));
  expect(
    await outcomesOf(
      store,
      room,
      change("end", "ann", "old.1", { otherHolder: "new.1" }),
      change("leave", "bob", "old.2", { otherHolder: "new.2" }),
    ),
  ).toEqual(["left", "left"]);
  expect((await store.check(room, "a")).holders).toEqual(new Map());
});

test("a lease that was given up is never renewed, and none is given up that could be", async () => {
  const leases = new LeaseStore(redis, leasesKey(uniquePrefix()), 3_000);
  const view = await leases.renew("b", 3_000, "new");
  await leases.renew("a", 1, "new");
  if (view === "lapsed") throw new Error("expected b to be renewed");
  // Redis is new, so that for the time of a lease nobody is gone.
  expect(await leases.bury(["a", "b", "unknown"])).toEqual([]);
  const gone = await waitFor(async () => {
    await leases.renew("b", 3_000, "held");
    const buried = await leases.bury(["a", "b", "unknown"]);
    return buried.length > 0 && buried;
  }, "a to be gone");
  expect(gone).toEqual(["a", "unknown"]);
  // Nobody renews for a while, after which who lapsed may renew: but not who was given up.
  await timePasses(2_200);
  expect(await leases.renew("a", 3_000, "held")).toBe("lapsed");
  expect(await leases.renew("b", 3_000, "held")).not.toBe("lapsed");
  expect(await leases.bury(["unknown"])).toEqual([]);
});

testWithRedisServer("leases that come back with an older state of the data are nobody's death", async () => {
  await using own = await startRedis({ persist: true });
  const client = await openClient(own.url);
  const leases = new LeaseStore(client, leasesKey(uniquePrefix()), 1_500);
  await leases.renew("a", 1_500, "new");
  const calm = await waitFor(async () => {
    const view = await leases.renew("a", 1_500, "held");
    return view !== "lapsed" && view.redisNowMs > view.calmUntilMs && view;
  }, "the first calm to be over");
  await own.restart({ keepData: true });
  const after = await waitFor(async () => leases.renew("a", 1_500, "held"), "Redis to be back");
  if (after === "lapsed") throw new Error("expected the lease to be renewed");
  expect(after.calmUntilMs).toBeGreaterThan(calm.redisNowMs);
  // Its lease was taken after what Redis has come back with.
  expect(await leases.bury(["b"])).toEqual([]);
  client.close();
});

testWithRedisServer("members that come back with an older state of the data are of another epoch", async () => {
  await using own = await startRedis({ persist: true });
  const client = await openClient(own.url);
  const prefix = uniquePrefix();
  const store = openStore(200, prefix, client);
  const room = uniqueRoom();
  await store.apply(room, "a", always, [change("add", "ann", "a.1")]);
  const before = (await store.check(room, "a")).head.version;
  await own.restart({ keepData: true });
  const after = await waitFor(async () => (await store.check(room, "a")).head.version, "Redis to be back");
  expect(after.epoch).not.toBe(before.epoch);
  expect(after.n).toBe(0);
  expect(await sessionsIn(store, room)).toEqual(["ann"]);
  client.close();
});
