import { RequestError } from "@holdfast/server";
import type { Socket } from "socket.io-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ask, askData, collect } from "../support/stock-client.ts";
import { messageId, sessionId, uniqueRoom } from "../support/unique.ts";
import { type AuthRig, adminToken, startAuthRig } from "./auth-rig.ts";

const rooms = { lobby: "read write", "news:*": "read", "drop:*": "write", "*": "" };
const said = (room: string, data: unknown = "hi") => ({ room, id: messageId(), event: "said", data });
const codeOf = (answer: { ok: boolean; error?: { code: string } }) => (answer.ok ? "ok" : answer.error?.code);

describe("where tokens carry rights", () => {
  let rig: AuthRig;
  beforeAll(async () => {
    rig = await startAuthRig(
      { requests: { "may:write": ({ room }, { can }) => can(room, "write") } },
      { instances: 2 },
    );
  });
  afterAll(() => rig[Symbol.asyncDispose]());

  test.each([
    ["lobby", "ok", "ok", "ok"],
    ["news:sport", "ok", "ok", "FORBIDDEN"],
    ["drop:box", "FORBIDDEN", "FORBIDDEN", "ok"],
    ["elsewhere", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
    ["user:ann", "ok", "ok", "FORBIDDEN"],
    ["user:bob", "FORBIDDEN", "FORBIDDEN", "FORBIDDEN"],
  ])(
    "in %s joining is %s, reading is %s, publishing and signalling are %s, over the socket and over HTTP",
    async (room, join, read, write) => {
      const token = await rig.token("ann", { rooms });
      using socket = await rig.stock({ token });
      expect(codeOf(await ask(socket, "room:join", { room }))).toBe(join);
      expect(codeOf(await ask(socket, "history:read", { room }))).toBe(read);
      expect(codeOf(await ask(socket, "message:publish", said(room)))).toBe(write);
      expect(codeOf(await ask(socket, "signal:send", { room, event: "typing", data: {} }))).toBe(write);

      const status = (code: string, success: number) => (code === "ok" ? success : 403);
      const path = `/rooms/${encodeURIComponent(room)}`;
      const { room: _, ...body } = said(room);
      expect((await rig.call(`${path}/messages`, { token })).status).toBe(status(read, 200));
      expect((await rig.call(`${path}/messages`, { token, body })).status).toBe(status(write, 201));
      const signalBody = { event: "typing", data: {} };
      expect((await rig.call(`${path}/signals`, { token, body: signalBody })).status).toBe(status(write, 200));
    },
  );

  test("a refusal names the right that is missing and where rights come from", async () => {
    using socket = await rig.stock({ token: await rig.token("ann", { rooms }) });
    const refused = await ask(socket, "message:publish", said("news:sport"));
    expect(refused).toMatchObject({
      error: { message: expect.stringMatching(/to write .*`rooms`.*`authorize`.*ROOM_RIGHTS/) },
    });
  });

  test("a refusal is the same for a room that exists and for one that does not", async () => {
    const [full, empty] = [uniqueRoom(), uniqueRoom()];
    await rig.server.publish(full, "said", "a secret");
    const token = await rig.token("ann", { rooms });
    using socket = await rig.stock({ token });
    const refusals = async (room: string) => [
      await ask(socket, "room:join", { room, since: "1-1" }),
      await ask(socket, "history:read", { room }),
      await ask(socket, "message:publish", { ...said(room, 7), id: "an-id-of-a-test" }),
      await ask(socket, "signal:send", { room, event: "unknown", data: {} }),
      await rig.call(`/rooms/${room}/messages`, { token }),
    ];
    expect(await refusals(full)).toEqual(await refusals(empty));
  });

  test("without a claim a token gives the right to nothing but the inbox", async () => {
    using socket = await rig.stock({ token: await rig.token("ann") });
    expect(codeOf(await ask(socket, "room:join", { room: "lobby" }))).toBe("FORBIDDEN");
    await askData(socket, "room:join", { room: "user:ann" });
    using heard = collect(socket, "message:published");
    await rig.server.publish("user:ann", "paid", "42");
    await heard.waitFor(
      ({ messages }) => messages.some(({ data }) => data === "42"),
      "what the server sends to the inbox",
    );
  });

  test("what the server's side alone may publish is refused to users, and told to them like all else", async () => {
    const token = await rig.token("ann", { rooms });
    using socket = await rig.stock({ token });
    await askData(socket, "room:join", { room: "lobby" });
    using heard = collect(socket, "message:published");
    const forged = { id: messageId(), event: "paid", data: "forged" };
    expect(codeOf(await ask(socket, "message:publish", { room: "lobby", ...forged }))).toBe("FORBIDDEN");
    expect((await rig.call("/rooms/lobby/messages", { token, body: forged })).status).toBe(403);
    const body = { id: messageId(), event: "paid", data: "true" };
    expect((await rig.call("/rooms/lobby/messages", { token: adminToken, body })).status).toBe(201);
    const { messages } = await heard.waitFor(() => true, "the first message");
    expect(messages.map(({ data }) => data)).toEqual(["true"]);
  });

  test("a message that a user sends over HTTP is told as his", async () => {
    const room = uniqueRoom("lobby");
    const token = await rig.token("ann", { rooms: { "*": "read write" } });
    await rig.call(`/rooms/${room}/messages`, { token, body: { id: messageId(), event: "said", data: "hi" } });
    expect((await rig.server.history(room)).messages).toMatchObject([{ from: { user: "ann", session: null } }]);
  });

  test("HTTP asks for a token, and refuses a bad one as the handshake does", async () => {
    const path = "/rooms/lobby/messages";
    expect(await rig.call(path)).toMatchObject({ status: 401, body: { error: { code: "UNAUTHENTICATED" } } });
    for (const token of ["x", "x".repeat(5_000), `${adminToken}x`]) {
      expect(await rig.call(path, { token })).toMatchObject({
        status: 401,
        body: { error: { code: "UNAUTHENTICATED" } },
      });
    }
    const expired = await rig.token("ann", { expiresInSeconds: -60 });
    expect(await rig.call(path, { token: expired })).toMatchObject({
      status: 401,
      body: { error: { code: "TOKEN_EXPIRED" } },
    });
  });

  test("a request of the application's own may ask for the rights of its sender", async () => {
    using socket = await rig.stock({ token: await rig.token("ann", { rooms }) });
    const own = socket as unknown as Socket;
    const may = (room: string): Promise<unknown> => own.emitWithAck("may:write", { room });
    expect(await may("lobby")).toEqual({ ok: true, data: true });
    expect(await may("news:sport")).toEqual({ ok: true, data: false });
  });

  test("a session is its first user's, on every instance, and stays so after a disconnection", async () => {
    const session = sessionId();
    const ann = await rig.stock({ token: await rig.token("ann"), session });
    const stranger = async (instance: number) => rig.stock({ token: await rig.token("bob"), session }, instance);
    for (const instance of [0, 1])
      await expect(stranger(instance)).rejects.toMatchObject({ data: { code: "FORBIDDEN" } });
    ann.disconnect();
    await expect(stranger(1)).rejects.toMatchObject({ data: { code: "FORBIDDEN" } });
    using again = await rig.stock({ token: await rig.token("ann"), session }, 1);
    expect(again.connected).toBe(true);
  });
});

test("ROOM_RIGHTS count where the claim says nothing", async () => {
  await using rig = await startAuthRig({}, { settings: { roomRights: "read" } });
  using socket = await rig.stock({ token: await rig.token("ann", { rooms: { lobby: "write" } }) });
  expect(codeOf(await ask(socket, "room:join", { room: "news" }))).toBe("ok");
  expect(codeOf(await ask(socket, "message:publish", said("news")))).toBe("FORBIDDEN");
  expect(codeOf(await ask(socket, "room:join", { room: "lobby" }))).toBe("FORBIDDEN");
});

describe("authorize", () => {
  test("is asked where the claim says nothing, once for a room and an action, with what is known of the user", async () => {
    const asked: object[] = [];
    await using rig = await startAuthRig({
      authorize: (question) => {
        asked.push(question);
        return question.room === "open";
      },
    });
    const token = await rig.token("ann", { rooms: { lobby: "read" }, claims: { team: "a" } });
    using socket = await rig.stock({ token });
    for (let repeat = 0; repeat < 2; repeat += 1) {
      expect(codeOf(await ask(socket, "room:join", { room: "open" }))).toBe("ok");
      expect(codeOf(await ask(socket, "room:join", { room: "closed" }))).toBe("FORBIDDEN");
      expect(codeOf(await ask(socket, "room:join", { room: "lobby" }))).toBe("ok");
    }
    expect(asked).toMatchObject([
      { user: "ann", room: "open", action: "read", claims: { team: "a" } },
      { user: "ann", room: "closed", action: "read" },
    ]);
  });

  test("keeps the order of publishes that wait for its answer", async () => {
    await using rig = await startAuthRig({ authorize: () => new Promise((resolve) => setTimeout(resolve, 20, true)) });
    const room = rig.connect({ token: await rig.token("ann") }).join("lobby");
    await Promise.all(Array.from({ length: 50 }, (_, index) => room.publish("said", String(index))));
    const { messages } = await rig.server.history("lobby");
    expect(messages.map(({ data }) => data)).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
  });

  test("that fails refuses the request: with its own code, or as INTERNAL, and then the log tells of it", async () => {
    await using rig = await startAuthRig({
      authorize: ({ room }) => {
        if (room === "quota") throw new RequestError("ROOM_LIMIT", "enough");
        if (room === "broken") throw new Error("the database is away");
        return undefined as unknown as boolean;
      },
    });
    using socket = await rig.stock({ token: await rig.token("ann") });
    expect(codeOf(await ask(socket, "room:join", { room: "quota" }))).toBe("ROOM_LIMIT");
    expect(rig.logged).toEqual([]);
    for (const room of ["broken", "forgotten"])
      expect(codeOf(await ask(socket, "room:join", { room }))).toBe("INTERNAL");
    expect(rig.logged).toHaveLength(2);
  });

  test("decides for the users of an application that authenticates by itself, whose rooms count before it", async () => {
    await using rig = await startAuthRig({
      authenticate: ({ token }) => ({ user: token ?? null, rooms: { lobby: "read" }, claims: { team: "a" } }),
      authorize: ({ user, claims, room }) => `${user}/${(claims as { team: string }).team}` === room.replace(":", "/"),
    });
    using socket = await rig.stock({ token: "ann" });
    expect(codeOf(await ask(socket, "room:join", { room: "ann:a" }))).toBe("ok");
    expect(codeOf(await ask(socket, "room:join", { room: "bob:a" }))).toBe("FORBIDDEN");
    expect(codeOf(await ask(socket, "room:join", { room: "lobby" }))).toBe("ok");
    expect(codeOf(await ask(socket, "message:publish", said("lobby")))).toBe("FORBIDDEN");
    expect((await rig.call("/rooms/ann:a/messages", { token: "ann" })).status).toBe(200);
  });
});
