import { createServer } from "@holdfast/server";
import { SignJWT } from "jose";
import { describe, expect, test } from "vitest";
import { ask, askData, collect, connectStock, type StockSocket } from "../support/stock-client.ts";
import { startRelay } from "../support/tcp-relay.ts";
import { messageId } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";
import { type AuthRig, adminToken, contract, secret, startAuthRig } from "./auth-rig.ts";

const everything = { "*": "read write" };
const cutOf = (socket: StockSocket) => new Promise<string>((resolve) => socket.once("disconnect", resolve));

/** Publishes in two rooms, of which the second one is a fence, and tells what a member of both hears. */
async function heardIn(rig: AuthRig, socket: StockSocket, room: string, fence: string): Promise<unknown[]> {
  using heard = collect(socket, "message:published");
  await rig.server.publish(room, "said", "secret");
  await rig.server.publish(fence, "said", "fence");
  await heard.waitFor((item) => item.room === fence, "the fence");
  return heard.items.filter((item) => item.room === room);
}

describe("a token that expires", () => {
  test("is told in time, and the connection is closed when the grace is over", async () => {
    await using rig = await startAuthRig();
    const begunMs = Date.now();
    const socket = await rig.stock({
      token: await rig.token("ann", { rooms: everything, expiresInSeconds: 3 }),
      socket: { reconnection: false },
    });
    using expiring = collect(socket, "connection:expiring");
    const { reason, deadlineMs } = await expiring.waitFor(() => true, "the notice");
    expect(reason).toBe("token");
    expect(Date.now()).toBeLessThan(deadlineMs);
    expect(Math.floor(begunMs / 1000) * 1000 + 3_000).toBeLessThanOrEqual(deadlineMs);
    expect(await withTimeout(cutOf(socket), "the end of the grace", 16_000)).toBe("io server disconnect");
    expect(Date.now()).toBeGreaterThanOrEqual(deadlineMs + 10_000);
  });

  test("is replaced in place: the connection goes on, is told of the new end, and not closed at the old one", async () => {
    await using rig = await startAuthRig();
    const socket = await rig.stock({ token: await rig.token("ann", { rooms: everything, expiresInSeconds: 2 }) });
    const firstEndMs = Date.now() + 2_000;
    using expiring = collect(socket, "connection:expiring");
    await askData(socket, "room:join", { room: "lobby" });
    const fresh = await rig.token("ann", { rooms: everything, expiresInSeconds: 600 });
    const { expiresAtMs } = await askData(socket, "token:refresh", { token: fresh });
    expect(expiresAtMs).toBeGreaterThan(Date.now() + 590_000);
    // The first token's notice would have come before its end.
    await waitFor(() => Date.now() > firstEndMs, "the first token's end");
    expect(expiring.items).toEqual([]);
    expect(await heardIn(rig, socket, "lobby", "lobby")).not.toEqual([]);
    const last = await rig.token("ann", { rooms: everything, expiresInSeconds: 2 });
    await askData(socket, "token:refresh", { token: last });
    await expiring.waitFor((item) => item.reason === "token", "the notice of the last token");
  });

  test("lets a client of the package go on without a gap", async () => {
    await using rig = await startAuthRig();
    let tokens = 0;
    const client = rig.connect({
      token: () => {
        tokens += 1;
        return rig.token("ann", { rooms: everything, expiresInSeconds: tokens === 1 ? 2 : 600 });
      },
    });
    const room = client.join("lobby");
    const heard: unknown[] = [];
    room.on("said", (text) => heard.push(text));
    room.on("gap", () => heard.push("gap"));
    await room.ready;
    await waitFor(() => tokens === 2 && client.status === "connected", "the second token");
    await room.publish("said", "after");
    await waitFor(() => heard.length > 0, "the message");
    expect(heard).toEqual(["after"]);
  });
});

describe("token:refresh", () => {
  test("refuses another user's token, a bad one and an expired one, and the one before goes on counting", async () => {
    await using rig = await startAuthRig();
    const socket = await rig.stock({ token: await rig.token("ann", { rooms: everything }) });
    await askData(socket, "room:join", { room: "lobby" });
    const refused: [string, string][] = [
      [await rig.token("bob", { rooms: everything }), "FORBIDDEN"],
      ["x", "UNAUTHENTICATED"],
      [await rig.token("ann", { expiresInSeconds: -1 }), "TOKEN_EXPIRED"],
      ["x".repeat(5_000), "INVALID_PAYLOAD"],
    ];
    for (const [token, code] of refused) {
      expect(await ask(socket, "token:refresh", { token })).toMatchObject({ ok: false, error: { code } });
    }
    expect(await heardIn(rig, socket, "lobby", "lobby")).not.toEqual([]);
  });

  test("with fewer rights takes the connection out of the rooms that are gone, and tells it so", async () => {
    await using rig = await startAuthRig();
    const socket = await rig.stock({ token: await rig.token("ann", { rooms: everything }) });
    for (const room of ["gone", "stays"]) await askData(socket, "room:join", { room });
    using revoked = collect(socket, "room:revoked");
    await askData(socket, "token:refresh", { token: await rig.token("ann", { rooms: { stays: "read" } }) });
    expect(revoked.items).toEqual([{ room: "gone", code: "FORBIDDEN" }]);
    expect(await heardIn(rig, socket, "gone", "stays")).toEqual([]);
    expect(await ask(socket, "room:join", { room: "gone" })).toMatchObject({ error: { code: "FORBIDDEN" } });
  });

  test("has no end where everybody is anonymous", async () => {
    await using rig = await startAuthRig({}, { settings: { auth: "anonymous" } });
    const socket = await rig.stock({});
    expect(await askData(socket, "token:refresh", { token: "any" })).toEqual({ expiresAtMs: null, user: null });
  });

  test("asks an application that authenticates by itself, whose time counts as a token's does", async () => {
    await using rig = await startAuthRig({
      authenticate: ({ token = "" }) => {
        const [user = "", seconds] = token.split(" ");
        return { user, rooms: everything, expiresAtMs: Date.now() + Number(seconds) * 1000 };
      },
    });
    const socket = await rig.stock({ token: "ann 2" });
    using expiring = collect(socket, "connection:expiring");
    await expiring.waitFor(({ reason }) => reason === "token", "the notice");
    const { expiresAtMs } = await askData(socket, "token:refresh", { token: "ann 600" });
    expect(expiresAtMs).toBeGreaterThan(Date.now() + 500_000);
    expect(await ask(socket, "token:refresh", { token: "bob 600" })).toMatchObject({ error: { code: "FORBIDDEN" } });
  });
});

describe("server.recheck", () => {
  test("takes a user out of a room on every instance within a second, and leaves the other rooms", async () => {
    let isMember = true;
    await using rig = await startAuthRig(
      { authorize: ({ room, user }) => room !== "team" || user !== "ann" || isMember },
      { instances: 2 },
    );
    const ann = await rig.stock({ token: await rig.token("ann") }, 1);
    const bob = await rig.stock({ token: await rig.token("bob") }, 1);
    for (const socket of [ann, bob]) for (const room of ["team", "stays"]) await askData(socket, "room:join", { room });
    using revoked = collect(ann, "room:revoked");
    using others = collect(bob, "room:revoked");
    isMember = false;
    const begunMs = performance.now();
    await rig.server.recheck("ann", "team");
    await revoked.waitFor(({ room, code }) => room === "team" && code === "FORBIDDEN", "the end of the right", 1_000);
    expect(performance.now() - begunMs).toBeLessThan(1_000);
    expect(await heardIn(rig, ann, "team", "stays")).toEqual([]);
    expect(await heardIn(rig, bob, "team", "stays")).not.toEqual([]);
    expect([revoked.items, others.items]).toEqual([[{ room: "team", code: "FORBIDDEN" }], []]);
  });

  test("takes the connection out of a room about which the application does not answer in time", async () => {
    let isHanging = false;
    await using rig = await startAuthRig({
      authorize: ({ room }) => (isHanging && room === "team" ? new Promise<boolean>(() => undefined) : true),
    });
    const ann = await rig.stock({ token: await rig.token("ann") });
    for (const room of ["team", "stays"]) await askData(ann, "room:join", { room });
    using revoked = collect(ann, "room:revoked");
    isHanging = true;
    await rig.server.recheck("ann");
    await revoked.waitFor(({ code }) => code === "UNAVAILABLE", "the room without an answer", 2_000);
    expect(await heardIn(rig, ann, "team", "stays")).toEqual([]);
    expect(revoked.items).toHaveLength(1);
  });
});

describe("a right that is granted after it was refused", () => {
  const forbidden = { ok: false, error: { code: "FORBIDDEN" } };
  const membership = () => {
    const members = new Set<string | null>();
    let asked = 0;
    const authorize = ({ user }: { readonly user: string | null }) => {
      asked += 1;
      return members.has(user);
    };
    return { members, authorize, asked: () => asked };
  };

  test("counts at once after server.recheck, on every instance, and no earlier", async () => {
    const { members, authorize, asked } = membership();
    await using rig = await startAuthRig({ authorize }, { instances: 2 });
    const [here, there] = [
      await rig.stock({ token: await rig.token("ann") }),
      await rig.stock({ token: await rig.token("ann") }, 1),
    ];
    const join = (socket: StockSocket) => ask(socket, "room:join", { room: "team" });
    for (const socket of [here, there]) expect(await join(socket)).toMatchObject(forbidden);
    members.add("ann");
    const before = asked();
    // The answer is kept, and so is a no.
    expect(await join(here)).toMatchObject(forbidden);
    expect(asked()).toBe(before);
    await rig.server.recheck("ann", "team");
    expect(await join(here)).toMatchObject({ ok: true });
    // Redis has passed it on; the other instance hears it in a moment.
    await waitFor(async () => (await join(there)).ok, "the other instance to hear of it", 1_000);
  });

  test("counts at once after token:refresh, for the package's client, too", async () => {
    const { members, authorize } = membership();
    await using rig = await startAuthRig({ authorize });
    const socket = await rig.stock({ token: await rig.token("ann") });
    expect(await ask(socket, "room:join", { room: "team" })).toMatchObject(forbidden);
    members.add("ann");
    await askData(socket, "token:refresh", { token: await rig.token("ann") });
    expect(await ask(socket, "room:join", { room: "team" })).toMatchObject({ ok: true });

    const client = rig.connect({ token: () => rig.token("ben") });
    await expect(client.join("team").ready).rejects.toMatchObject({ code: "FORBIDDEN" });
    members.add("ben");
    await rig.server.recheck("ben");
    await client.join("team").ready;
  });
});

describe("disconnecting a user", () => {
  test.each(["server.disconnectUser", "the route"])(
    "by %s closes the connections everywhere, and the old token counts no longer",
    async (how) => {
      await using rig = await startAuthRig({}, { instances: 2 });
      const token = await rig.token("ann", { rooms: everything });
      const noReturn = { reconnection: false };
      const sockets = [await rig.stock({ token, socket: noReturn }), await rig.stock({ token, socket: noReturn }, 1)];
      const bob = await rig.stock({ token: await rig.token("bob"), socket: noReturn }, 1);
      const cuts = Promise.all(sockets.map(cutOf));
      if (how === "the route") {
        expect(await rig.call("/admin/users/ann/disconnect", { token: adminToken, body: {} })).toEqual({
          status: 200,
          body: {},
        });
      } else await rig.server.disconnectUser("ann");
      expect(await withTimeout(cuts, "both connections to be closed")).toEqual(Array(2).fill("io server disconnect"));
      for (const instance of [0, 1]) {
        await expect(rig.stock({ token }, instance)).rejects.toMatchObject({ data: { code: "TOKEN_EXPIRED" } });
        expect((await rig.call("/rooms/a/messages", { token, instance })).status).toBe(401);
      }
      expect(await ask(bob, "token:refresh", { token: await rig.token("bob") })).toMatchObject({ ok: true });
      // A token of a later second counts again.
      await waitFor(
        async () =>
          (await rig.call("/rooms/a/messages", { token: await rig.token("ann", { rooms: everything }) })).status ===
          200,
        "a fresh token to count",
      );
    },
  );

  test("a token that does not say when it was issued counts as an old one", async () => {
    await using rig = await startAuthRig();
    await rig.server.disconnectUser("ann");
    await waitFor(
      async () => (await rig.call("/rooms/user:ann/messages", { token: await rig.token("ann") })).status === 200,
      "a fresh token to count",
    );
    const undated = (user: string) =>
      new SignJWT({ sub: user })
        .setProtectedHeader({ alg: "HS256" })
        .setExpirationTime("1h")
        .sign(new TextEncoder().encode(secret));
    await expect(rig.stock({ token: await undated("ann") })).rejects.toMatchObject({ data: { code: "TOKEN_EXPIRED" } });
    // Of another user nothing was revoked.
    expect((await rig.stock({ token: await undated("bob") })).connected).toBe(true);
  });

  test("is known to an instance that starts later", async () => {
    await using rig = await startAuthRig();
    const token = await rig.token("ann", { rooms: everything });
    await rig.server.disconnectUser("ann");
    const { keyPrefix, redis } = rig;
    const settings = { port: 0, redisUrl: redis.url, keyPrefix, drainSeconds: 0, auth: "token", tokenSecret: secret };
    await using late = await createServer({ contract }, { settings });
    await expect(connectStock(late.url, { token })).rejects.toMatchObject({ data: { code: "TOKEN_EXPIRED" } });
    using bob = await connectStock(late.url, { token: await rig.token("bob") });
    expect(bob.connected).toBe(true);
  });

  test("reaches an instance that could not hear of it, as soon as that is connected to Redis again", async () => {
    await using rig = await startAuthRig();
    await using relay = await startRelay(rig.redis.port);
    const { keyPrefix } = rig;
    await using far = await createServer(
      { contract },
      {
        settings: {
          port: 0,
          redisUrl: `redis://127.0.0.1:${relay.port}`,
          keyPrefix,
          drainSeconds: 0,
          auth: "token",
          tokenSecret: secret,
        },
        logger: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
      },
    );
    using ann = await connectStock(far.url, { token: await rig.token("ann"), socket: { reconnection: false } });
    using bob = await connectStock(far.url, { token: await rig.token("bob"), socket: { reconnection: false } });
    const cut = cutOf(ann);
    relay.cutAll({ reset: true });
    relay.blackhole();
    await rig.server.disconnectUser("ann");
    expect(ann.connected).toBe(true);
    relay.heal();
    expect(await withTimeout(cut, "the connection to be closed", 15_000)).toBe("io server disconnect");
    expect(bob.connected).toBe(true);
  });

  test("the routes of the administration ask for the ADMIN_TOKEN, and for nothing less", async () => {
    await using rig = await startAuthRig();
    const user = await rig.token("ann", { rooms: everything });
    for (const path of ["/admin/users/ann/disconnect", "/admin/rooms/lobby/clear"]) {
      for (const token of [undefined, user, "x"]) {
        const answer = await rig.call(path, { ...(token === undefined ? {} : { token }), body: {} });
        expect(answer).toMatchObject({ status: 401, body: { error: { code: "UNAUTHENTICATED" } } });
      }
    }
    const wrong = await rig.call("/admin/rooms/a%20b/clear", { token: adminToken, body: {} });
    expect(wrong).toMatchObject({ status: 400, body: { error: { code: "INVALID_PAYLOAD" } } });
  });
});

test("a room that is cleared is a gap for its members on every instance", async () => {
  await using rig = await startAuthRig({}, { instances: 2 });
  const client = rig.connect({ token: await rig.token("ann", { rooms: everything }) }, 1);
  const room = client.join("lobby");
  const heard: unknown[] = [];
  room.on("said", (text) => heard.push(text));
  room.on("gap", () => heard.push("gap"));
  await room.publish("said", "before");
  await waitFor(() => heard.length === 1, "the message before");
  expect(await rig.call("/admin/rooms/lobby/clear", { token: adminToken, body: {} })).toEqual({
    status: 200,
    body: {},
  });
  await waitFor(() => heard.length === 2, "the gap");
  expect((await rig.server.history("lobby")).messages).toEqual([]);
  await rig.server.publish("lobby", "said", "after", { id: messageId() });
  await waitFor(() => heard.length === 3, "the message after");
  expect(heard).toEqual(["before", "gap", "after"]);
});
