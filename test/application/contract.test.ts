import { type Client, connect } from "@holdfast/client";
import { defineContract } from "@holdfast/client/contract";
import { type Application, createServer, RequestError } from "@holdfast/server";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { refusal, startRig } from "../support/application-rig.ts";
import { ask } from "../support/stock-client.ts";
import { messageId, uniquePrefix, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

describe("requests of the application", () => {
  test("get the parsed payload and who asks, and their answer reaches the client parsed", async () => {
    const asked: unknown[] = [];
    await using rig = await startRig({
      requests: {
        "poll:close": (payload, { user, session, server, signal }) => {
          asked.push({ ...payload, user, session, hasServer: server === rig.server, aborted: signal.aborted });
          return { votes: 3 };
        },
      },
    });
    const client = rig.connect();
    await waitFor(() => client.status === "connected", "the client to connect");
    expect(await client.request("poll:close", { poll: "lunch" })).toEqual({ votes: 3 });
    expect(asked).toEqual([
      { poll: "lunch", weight: 1, user: null, session: client.session, hasServer: true, aborted: false },
    ]);
    expect(await refusal(client.request("poll:close", { poll: 7 as unknown as string }))).toMatchObject({
      code: "INVALID_PAYLOAD",
      message: expect.stringContaining("payload.poll"),
    });
  });

  test("answer with what the contract does not allow: INTERNAL, and a log line that names the request", async () => {
    await using rig = await startRig({ requests: { "poll:close": () => ({ votes: "many" as unknown as number }) } });
    const client = rig.connect();
    await waitFor(() => client.status === "connected", "the client to connect");
    expect(await refusal(client.request("poll:close", { poll: "lunch" }))).toMatchObject({ code: "INTERNAL" });
    expect(rig.logged).toMatchObject([{ fields: { err: { message: expect.stringContaining("poll:close") } } }]);
  });

  test("refuse with a RequestError, and are UNKNOWN_EVENT where the contract does not name them", async () => {
    await using rig = await startRig({
      requests: {
        "poll:close": () => {
          throw new RequestError("FORBIDDEN", "only its author closes a poll");
        },
      },
    });
    const client: Client<object> = connect(rig.server.url);
    try {
      await waitFor(() => client.status === "connected", "the client to connect");
      const ownClient = rig.connect();
      await waitFor(() => ownClient.status === "connected", "the client to connect");
      expect(await refusal(ownClient.request("poll:close", { poll: "lunch" }))).toMatchObject({
        code: "FORBIDDEN",
        message: "only its author closes a poll",
      });
      for (const event of ["poll:open", "toString", "constructor"]) {
        expect(await refusal(client.request(event as never, {} as never))).toMatchObject({ code: "UNKNOWN_EVENT" });
      }
    } finally {
      await client.close();
    }
  });
});

describe("rooms of a kind", () => {
  test("have the events of the longest pattern that matches, and UNKNOWN_EVENT for all others", async () => {
    await using rig = await startRig();
    const client = rig.connect();
    const doc = client.join("doc:1");
    await doc.publish("doc:op", { at: 1 });
    await client.join("doc:public:1").publish("doc:read", {});
    const socket = await rig.stock();
    const publish = (room: string, event: string, data: unknown) =>
      ask(socket, "message:publish", { room, id: messageId(), event, data });
    for (const [room, event, data] of [
      ["doc:1", "note:added", { text: "hi" }],
      ["doc:1", "order:paid", { order: "1" }],
      ["doc:public:1", "doc:op", { at: 1 }],
      ["lobby", "doc:op", { at: 1 }],
    ] as const) {
      expect(await publish(room, event, data)).toMatchObject({ ok: false, error: { code: "UNKNOWN_EVENT" } });
    }
    expect(await ask(socket, "room:join", { room: "doc:1" })).toMatchObject({ ok: true });
    expect(await ask(socket, "signal:send", { room: "doc:1", event: "note:typing", data: {} })).toMatchObject({
      ok: false,
      error: { code: "UNKNOWN_EVENT" },
    });
    expect(await ask(socket, "signal:send", { room: "doc:1", event: "doc:cursor", data: {} })).toMatchObject({
      ok: true,
    });
  });
});

describe("the server's own side", () => {
  test("publishes serverMessages, which are FORBIDDEN to a client", async () => {
    await using rig = await startRig();
    const room = rig.connect().join(uniqueRoom());
    const paid: unknown[] = [];
    room.on("order:paid", (data, { from, position }) => paid.push({ ...data, from, position }));
    await room.ready;
    const { position, duplicate } = await rig.server.publish(room.name, "order:paid", { order: "4711" });
    expect(duplicate).toBe(false);
    await waitFor(() => paid.length === 1, "the paid order");
    expect(paid).toEqual([{ order: "4711", from: { user: null, session: null }, position }]);
    expect(await refusal(room.publish("order:paid" as never, { order: "1" } as never))).toMatchObject({
      code: "FORBIDDEN",
    });
  });

  test("no client keeps a message of the server's alone out by publishing its id first", async () => {
    await using rig = await startRig();
    const room = rig.connect().join(uniqueRoom());
    const heard: string[] = [];
    room.on("message", ({ id }) => heard.push(id));
    await room.ready;
    const id = "order-4711-paid";
    await room.publish("note:added", { text: "first" }, { id });
    const publish = () => rig.server.publish(room.name, "order:paid", { order: "4711" }, { id });
    expect(await publish()).toMatchObject({ duplicate: false });
    expect(await publish()).toMatchObject({ duplicate: true });
    await waitFor(() => heard.length === 2, "both messages");
    expect(heard).toEqual([id, `server:${id}`]);
  });

  test("publishes with an id once, in the name of a user, signals, and reads the history", async () => {
    await using rig = await startRig();
    const room = rig.connect().join(uniqueRoom());
    const typing: unknown[] = [];
    room.on("note:typing", (_data, { from }) => typing.push(from));
    await room.ready;
    const options = { id: "order-4711", user: "ada" };
    const first = await rig.server.publish(room.name, "note:added", { text: "one" }, options);
    expect(await rig.server.publish(room.name, "note:added", { text: "one" }, options)).toEqual({
      position: first.position,
      duplicate: true,
    });
    await rig.server.publish(room.name, "note:added", { text: "two" });
    await rig.server.signal(room.name, "note:typing", {});
    await waitFor(() => typing.length === 1, "the signal");
    expect(typing).toEqual([{ user: null, session: null }]);
    const { messages } = await rig.server.history(room.name, { after: first.position, limit: 10 });
    expect(messages.map(({ data }) => data)).toEqual([{ text: "two" }]);
    expect((await rig.server.history(room.name, { limit: 2 })).messages[0]?.from).toEqual({
      user: "ada",
      session: null,
    });
  });

  test("gets its mistakes as rejections, never as exceptions of the call", async () => {
    await using rig = await startRig();
    const { server } = rig;
    const calls = [
      server.publish("no such room!", "note:added", { text: "hi" }),
      server.signal("no such room!", "note:typing", {}),
      server.history("no such room!"),
      server.publish("lobby", "note:added", { text: 7 as unknown as string }),
    ];
    for (const call of calls) await expect(call).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
    await expect(server.publish("lobby", "nothing" as never, {} as never)).rejects.toMatchObject({
      code: "UNKNOWN_EVENT",
    });
  });
});

describe("a contract", () => {
  test("with a schema that is none fails at the start, by its name", async () => {
    const none = { parse: () => undefined } as unknown as z.ZodType;
    const cases: readonly [string, Application["contract"]][] = [
      ["note:added", { messages: { "note:added": none } }],
      ["doc:op", { rooms: { "doc:*": { signals: { "doc:op": none } } } }],
      ["poll:close", { requests: { "poll:close": { payload: z.string(), answer: none } } }],
      ["order:paid", { messages: { "order:paid": z.string() }, signals: { "order:paid": z.string() } }],
      ["do*c", { rooms: { "do*c": {} } }],
    ] as unknown as readonly [string, Application["contract"]][];
    for (const [name, broken] of cases) {
      await expect(createServer({ contract: broken }, { settings: { port: 0 } })).rejects.toThrow(name);
    }
  });

  test("with a schema that answers with a promise is INTERNAL, and the log names the event", async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => void unhandled.push(reason);
    process.on("unhandledRejection", note);
    const validate = (): Promise<never> => Promise.reject(new Error("the schema's own trouble"));
    const asynchronous = { "~standard": { version: 1, vendor: "test", validate } } as unknown as z.ZodString;
    const logged: string[] = [];
    const logger = {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (fields: object, message: string) => void logged.push(JSON.stringify([fields, message])),
    };
    await using rig = await startRig();
    await using server = await createServer(
      { contract: defineContract({ messages: { "slow:checked": asynchronous } }) },
      { settings: { port: 0, redisUrl: rig.redis.url, keyPrefix: uniquePrefix(), drainSeconds: 0 }, logger },
    );
    const client: Client<object> = connect(server.url);
    try {
      await expect(server.publish("lobby", "slow:checked", "hi")).rejects.toThrow("slow:checked");
      await waitFor(() => client.status === "connected", "the client to connect");
      const payload = { room: "lobby", id: messageId(), event: "slow:checked", data: "hi" };
      expect(await refusal(client.request("message:publish" as never, payload as never))).toMatchObject({
        code: "INTERNAL",
      });
      expect(logged).toHaveLength(1);
      expect(logged[0]).toContain("slow:checked");
      expect(unhandled).toEqual([]);
    } finally {
      process.off("unhandledRejection", note);
      await client.close();
    }
  });
});

describe("servers in one process", () => {
  test("have contracts of their own, and leave the process alone", async () => {
    const events = ["unhandledRejection", "uncaughtException", "SIGTERM", "SIGINT", "exit", "beforeExit"] as const;
    const listeners = () => events.map((event) => process.listenerCount(event));
    const before = listeners();
    const globals = [globalThis.Request, globalThis.Response];
    const chat = defineContract({ messages: { said: z.string() } });
    const game = defineContract({ messages: { moved: z.strictObject({ to: z.int() }) } });
    // The embedded Valkey, as on a machine without Redis.
    const settings = { port: 0, drainSeconds: 0 };
    await using first = await createServer({ contract: chat }, { settings });
    await using second = await createServer({ contract: game }, { settings: { ...settings, port: "0" } });
    expect(listeners()).toEqual(before);
    expect([globalThis.Request, globalThis.Response]).toEqual(globals);
    expect(first.backend).toContain("embedded");
    const one = connect<typeof chat>(first.url);
    const two = connect<typeof game>(second.url);
    try {
      const said: string[] = [];
      const room = one.join("lobby");
      room.on("said", (text) => said.push(text));
      await room.publish("said", "hi");
      await two.join("lobby").publish("moved", { to: 3 });
      await waitFor(() => said.length === 1, "the first server's message");
      expect((await second.history("lobby")).messages.map(({ data }) => data)).toEqual([{ to: 3 }]);
      expect(await refusal(two.join("lobby").publish("said" as never, "hi" as never))).toMatchObject({
        code: "UNKNOWN_EVENT",
      });
    } finally {
      await Promise.all([one.close(), two.close()]);
    }
  });
});
