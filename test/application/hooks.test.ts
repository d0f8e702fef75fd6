import { connect, type HoldfastError } from "@holdfast/client";
import { type AuthenticatedUser, createServer, type PublishedMessages, RequestError } from "@holdfast/server";
import { describe, expect, test } from "vitest";
import { contract, deferred, startRig } from "../support/application-rig.ts";
import { askData, connectStock } from "../support/stock-client.ts";
import { messageId, uniquePrefix, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

describe("authenticate", () => {
  test("names the user by the token, the headers and the query of the handshake", async () => {
    const asked: unknown[] = [];
    const publishers: unknown[] = [];
    await using rig = await startRig({
      authenticate: async ({ token, headers, query }, { server, signal }) => {
        asked.push({
          token,
          cookie: headers.cookie,
          secret: headers["x-fc-access-key-secret"],
          shop: query.shop,
          hasServer: server === rig.server,
          aborted: signal.aborted,
        });
        return { user: "ada", rooms: { "*": "read write" }, claims: { shop: 7 }, expiresAtMs: Date.now() + 60_000 };
      },
      beforePublish: ({ user }) => void publishers.push(user),
      requests: { "poll:close": (_payload, { user }) => ({ votes: user === "ada" ? 1 : 0 }) },
    });
    const client = rig.connect({
      token: () => "a-token",
      socket: { query: { shop: "7" }, extraHeaders: { cookie: "sid=1", "x-fc-access-key-secret": "the platform's" } },
    });
    const room = client.join(uniqueRoom());
    await room.publish("note:added", { text: "hi" });
    expect(asked).toEqual([
      { token: "a-token", cookie: "sid=1", secret: undefined, shop: "7", hasServer: true, aborted: false },
    ]);
    expect(publishers).toEqual(["ada"]);
    expect(await client.request("poll:close", { poll: "lunch" })).toEqual({ votes: 1 });
    const [message] = (await rig.server.history(room.name)).messages;
    expect(message?.from).toEqual({ user: "ada", session: client.session });
  });

  test.each<[string, () => unknown, string]>([
    ["null", () => null, "UNAUTHENTICATED"],
    [
      "a RequestError",
      () => {
        throw new RequestError("FORBIDDEN", "this account is closed");
      },
      "FORBIDDEN",
    ],
    ["an expiry that is over", () => ({ user: "ada", expiresAtMs: Date.now() - 1 }), "TOKEN_EXPIRED"],
    ["nothing", () => undefined, "INTERNAL"],
    ["a text", () => "ada", "INTERNAL"],
    ["no user", () => ({ name: "ada" }), "INTERNAL"],
    ["a number for a user", () => ({ user: 7 }), "INTERNAL"],
    ["an empty user", () => ({ user: "" }), "INTERNAL"],
    ["a Date for the expiry", () => ({ user: "ada", expiresAtMs: new Date() }), "INTERNAL"],
    ["a rejection", () => Promise.reject(new Error("the database said no")), "INTERNAL"],
  ])("that answers with %s admits nobody", async (_, authenticate, code) => {
    await using rig = await startRig({ authenticate: authenticate as () => AuthenticatedUser | null });
    await expect(connectStock(rig.server.url, { token: "a-token" })).rejects.toMatchObject({ data: { code } });
    expect(rig.logged.length).toBe(code === "INTERNAL" ? 1 : 0);
    expect(JSON.stringify(rig.logged)).not.toContain("a-token");
  });

  test("is told to a client with the code, and lets it in without a token where the application does", async () => {
    await using rig = await startRig({
      authenticate: ({ token }) => {
        if (token === "closed") throw new RequestError("FORBIDDEN", "this account is closed");
        return { user: token === undefined ? null : "ada" };
      },
    });
    const refused = rig.connect({ token: () => "closed" });
    const errors: HoldfastError[] = [];
    refused.on("error", (error) => errors.push(error));
    await waitFor(() => refused.status === "closed", "the refused client to give up");
    expect(errors).toMatchObject([{ code: "FORBIDDEN", message: "this account is closed" }]);
    await rig.connect().join(uniqueRoom()).ready;
  });

  test("takes the place of the token's settings, which production then does not ask for", async () => {
    await using rig = await startRig();
    const settings = {
      port: 0,
      nodeEnv: "production",
      allowedOrigins: "https://app.example",
      redisUrl: rig.redis.url,
      keyPrefix: uniquePrefix(),
      drainSeconds: 0,
    };
    await expect(createServer({ contract }, { settings })).rejects.toThrow("AUTH");
    for (const auth of [undefined, "token"]) {
      await using server = await createServer(
        { contract, authenticate: () => ({ user: "ada" }) },
        { settings: { ...settings, auth } },
      );
      const client = connect<typeof contract>(server.url);
      await client.join("lobby").ready;
      await client.close();
    }
  });
});

describe("onPublished", () => {
  test("is told once of what was stored, whoever published it, and not of repeats", async () => {
    const adminToken = "an-admin-token-of-a-test";
    const told: PublishedMessages[] = [];
    const tell = (published: PublishedMessages) => void told.push(published);
    await using rig = await startRig({ onPublished: tell }, { settings: { adminToken } });
    const room = uniqueRoom();
    const socket = await rig.stock();
    const payload = { room, id: messageId(), event: "note:added", data: { text: "client" } };
    const post = () =>
      fetch(`${rig.server.url}/rooms/${room}/messages`, {
        method: "POST",
        headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
        body: JSON.stringify({ id: "order-4711-paid", event: "order:paid", data: { order: "4711" } }),
      });
    for (let repeat = 0; repeat < 2; repeat += 1) {
      await askData(socket, "message:publish", payload);
      expect((await post()).status).toBe(repeat === 0 ? 201 : 200);
      await rig.server.publish(room, "note:added", { text: "server" }, { id: "from-the-server" });
    }
    await rig.server.publish(room, "note:added", { text: "fence" });
    const messages = () => told.flatMap((published) => published.messages);
    await waitFor(() => messages().some(({ data }) => (data as { text?: string }).text === "fence"), "the fence");
    expect(messages()).toEqual((await rig.server.history(room)).messages);
    expect(messages()).toHaveLength(4);
    expect(new Set(told.map((published) => published.room))).toEqual(new Set([room]));
  });

  test("gets what was stored during a call together, in order, and one room does not wait for another", async () => {
    const gate = deferred();
    const calls: string[][] = [];
    await using rig = await startRig({
      onPublished: async ({ room, messages }) => {
        calls.push(messages.map(({ data }) => (data as { text: string }).text));
        if (room === "slow") await gate.promise;
      },
    });
    for (const text of ["a", "b", "c", "d"]) await rig.server.publish("slow", "note:added", { text });
    await rig.server.publish("quick", "note:added", { text: "quick" });
    await waitFor(() => calls.length === 2, "the quick room's call");
    expect(calls).toEqual([["a"], ["quick"]]);
    gate.resolve();
    await waitFor(() => calls.length === 3, "the slow room's second call");
    expect(calls[2]).toEqual(["b", "c", "d"]);
  });

  test("refuses nothing when it throws, and is called for the next message", async () => {
    let calls = 0;
    await using rig = await startRig({
      onPublished: () => {
        calls += 1;
        throw new RequestError("FORBIDDEN", "too late");
      },
    });
    const room = rig.connect().join(uniqueRoom());
    await room.publish("note:added", { text: "one" });
    await room.publish("note:added", { text: "two" });
    await waitFor(() => calls === 2, "the second call");
    await waitFor(() => rig.logged.length === 2, "both failures in the log");
    expect(rig.logged[0]).toMatchObject({ level: "error", message: "onPublished failed", fields: { room: room.name } });
  });
});
