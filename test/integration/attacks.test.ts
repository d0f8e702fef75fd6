import { describe, expect, test } from "vitest";
import { connectRaw } from "../support/raw-websocket.ts";
import { ask, askData, type StockSocket } from "../support/stock-client.ts";
import { messageId, sessionId } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { type AuthRig, startAuthRig } from "./auth-rig.ts";

const everything = { "*": "read write" };
const once = { reconnection: false };
const prototypeNames = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty"];

/** What a connection is refused with; `admitted` where it is not. */
async function outcome(opening: Promise<StockSocket>): Promise<string> {
  return opening.then(
    () => "admitted",
    (error: { readonly data?: { readonly code?: string } }) => error.data?.code ?? String(error),
  );
}

const publish = (socket: StockSocket, room: string, event = "said") =>
  ask(socket, "message:publish", { room, id: messageId(), event, data: "hello" });

/** An honest user is served while the attack goes on. */
async function isServed(rig: AuthRig): Promise<void> {
  const honest = await rig.stock({ token: await rig.token("honest", { rooms: everything }) });
  expect(await publish(honest, "lobby")).toMatchObject({ ok: true });
  honest.disconnect();
}

describe("names that every object has", () => {
  test.each(prototypeNames)("%s is a user, a room and a session of its own, and no event", async (name) => {
    await using rig = await startAuthRig({}, { settings: { publishesPerSecond: 1 } });
    const own = await rig.stock({ token: await rig.token(name, { rooms: { [`room-${name}`]: "read write" } }) });
    const inbox = await askData(own, "room:join", { room: `user:${name}` });
    expect(inbox).toMatchObject({ recovered: true, user: name });
    // No right comes from what an object has by itself.
    expect(await ask(own, "room:join", { room: name })).toMatchObject({ error: { code: "FORBIDDEN" } });
    expect(await publish(own, `room-${name}`)).toMatchObject({ ok: true });
    expect(await publish(own, `room-${name}`, name)).toMatchObject({ error: { code: "UNKNOWN_EVENT" } });
    const client = await connectRaw(rig.server.url, {
      auth: { protocol: 1, session: sessionId(), token: await rig.token("eve", { rooms: everything }) },
    });
    expect(await client.request(name, { room: "lobby" })).toMatchObject({ error: { code: "UNKNOWN_EVENT" } });
    expect(await client.request("room:join", { room: `user:${name}` })).toMatchObject({ error: { code: "FORBIDDEN" } });
    client.terminate();
    await isServed(rig);
  });

  test("a claim that names them gives rights in rooms of these names alone", async () => {
    await using rig = await startAuthRig();
    const rooms = JSON.parse('{"__proto__":"read write","constructor":"read"}') as Record<string, string>;
    const eve = await rig.stock({ token: await rig.token("eve", { rooms }) });
    expect(await publish(eve, "__proto__")).toMatchObject({ ok: true });
    expect(await publish(eve, "constructor")).toMatchObject({ error: { code: "FORBIDDEN" } });
    expect(await publish(eve, "lobby")).toMatchObject({ error: { code: "FORBIDDEN" } });
  });
});

describe("a user with too much of everything", () => {
  test("gets no connection more by opening all of them at once", async () => {
    await using rig = await startAuthRig({}, { settings: { maxConnectionsPerUser: 10 } });
    const token = await rig.token("eve", { rooms: everything });
    const outcomes = await Promise.all(Array.from({ length: 60 }, () => outcome(rig.stock({ token, socket: once }))));
    expect(outcomes.filter((each) => each === "admitted")).toHaveLength(10);
    expect(new Set(outcomes)).toEqual(new Set(["admitted", "RATE_LIMITED"]));
    await isServed(rig);
  });

  test("gets no publish more by many connections, nor by asking for no answer", async () => {
    await using rig = await startAuthRig({}, { settings: { publishesPerSecond: 2 } });
    const token = await rig.token("eve", { rooms: everything });
    const sockets = await Promise.all(Array.from({ length: 8 }, () => rig.stock({ token })));
    for (const socket of sockets) {
      for (let index = 0; index < 100; index += 1) {
        socket.emit(
          "message:publish",
          { room: "lobby", id: messageId(), event: "said", data: "flood" },
          () => undefined,
        );
        socket.emit("message:publish", { room: "lobby", id: messageId(), event: "said", data: "flood" });
      }
    }
    // A fence behind them on every connection.
    await Promise.all(sockets.map((socket) => askData(socket, "echo", null)));
    await isServed(rig);
    const { messages } = await rig.server.history("lobby", { limit: 500 });
    // Five seconds' worth in a burst, and what came back meanwhile.
    expect(messages.filter(({ data }) => data === "flood").length).toBeLessThan(40);
  });

  test("is told to come later when it joins and reads without an end, and others are served", async () => {
    await using rig = await startAuthRig();
    const eve = await rig.stock({ token: await rig.token("eve", { rooms: everything }) });
    const joins = Array.from({ length: 3_000 }, (_, index) => ask(eve, "room:join", { room: `room-${index}` }, 25_000));
    await isServed(rig);
    const codes = (await Promise.all(joins)).map((answer) => (answer.ok ? "joined" : answer.error.code));
    expect(codes.filter((code) => code === "joined").length).toBeLessThanOrEqual(100);
    expect(new Set(codes)).toEqual(new Set(["joined", "ROOM_LIMIT", "RATE_LIMITED"]));
  });
});

describe("who somebody is", () => {
  test("no session is taken over by another user, not even by many at once", async () => {
    await using rig = await startAuthRig({}, { instances: 2 });
    const session = sessionId();
    const users = Array.from({ length: 12 }, (_, index) => `user-${index}`);
    const outcomes = await Promise.all(
      users.map(async (user, index) =>
        outcome(rig.stock({ token: await rig.token(user), session, socket: once }, index % 2)),
      ),
    );
    expect(outcomes.filter((each) => each === "admitted")).toHaveLength(1);
    expect(new Set(outcomes)).toEqual(new Set(["admitted", "FORBIDDEN"]));
  });

  test("a revoked user does not come back with the old token while Redis is away, nor after it", async () => {
    await using rig = await startAuthRig();
    const token = await rig.token("eve", { rooms: everything });
    const eve = await rig.stock({ token, socket: once });
    await rig.server.disconnectUser("eve");
    await waitFor(() => !eve.connected, "the end of the connection");
    await rig.redis.stop();
    const open = () => outcome(rig.stock({ token, session: sessionId(), socket: once }));
    expect(["UNAVAILABLE", "TOKEN_EXPIRED"]).toContain(await open());
    await rig.redis.start();
    let last = "";
    await waitFor(async () => {
      last = await open();
      return last !== "UNAVAILABLE";
    }, "Redis to be asked again");
    // A Redis without persistence has forgotten it; the instance that was told has not.
    expect(last).toBe("TOKEN_EXPIRED");
  });

  test("a claim of ten thousand rooms is refused before it is looked at", async () => {
    await using rig = await startAuthRig();
    const rooms = Object.fromEntries(Array.from({ length: 10_000 }, (_, index) => [`room-${index}`, "read"]));
    const token = await rig.token("eve", { rooms });
    expect(await outcome(rig.stock({ token, socket: once }))).toBe("INVALID_PAYLOAD");
    // A head of this size is refused by Node.js itself.
    const answer = await fetch(`${rig.server.url}/rooms/lobby/messages`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(answer.status).toBe(431);
    await isServed(rig);
  });
});
