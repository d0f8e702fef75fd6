import type { Socket } from "socket.io-client";
import { expect, test } from "vitest";
import { limits } from "../../client/src/protocol/limits.ts";
import { instanceWithBystander } from "../support/bystander.ts";
import { connectRaw } from "../support/raw-websocket.ts";
import { askData, connectStock, type StockSocket } from "../support/stock-client.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

const instance = instanceWithBystander({ ALLOWED_ORIGINS: "https://app.example", FUNCTION_TIMEOUT_SECONDS: "3600" });

interface Answer {
  readonly ok: boolean;
  readonly data?: unknown;
  readonly error?: { readonly code: string; readonly message: string; readonly retryable: boolean };
}

/** Sends whatever it is given, as no typed client would. */
function send(socket: StockSocket, event: string, ...args: unknown[]): Promise<Answer> {
  const untyped = socket as unknown as Socket;
  return withTimeout(untyped.emitWithAck(event, ...args), `the acknowledgement of ${event}`);
}

const room = "room";
const id = "abcdefgh";
const message = { room, id, event: "chat:message", data: { text: "hi" } };
const manyFields = () => Object.fromEntries(Array.from({ length: 3_000 }, (_, field) => [`field-${field}`, field]));
const deep = () => {
  let value: unknown = 0;
  for (let level = 0; level < 1_000; level += 1) value = [value];
  return value;
};

test.each<[string, string, unknown[], string]>([
  ["an unknown event", "room:explode", [{}], "UNKNOWN_EVENT"],
  ["an event named like an object's method", "toString", [{}], "UNKNOWN_EVENT"],
  ["an event named __proto__", "__proto__", [{}], "UNKNOWN_EVENT"],
  ["an empty event", "", [{}], "UNKNOWN_EVENT"],
  ["a very long event", "x".repeat(100_000), [], "UNKNOWN_EVENT"],
  ["no payload", "room:join", [], "INVALID_PAYLOAD"],
  ["two payloads", "room:join", [{ room }, { room }], "INVALID_PAYLOAD"],
  ["nine payloads", "message:publish", Array(9).fill(message), "INVALID_PAYLOAD"],
  ["a null payload", "room:join", [null], "INVALID_PAYLOAD"],
  ["a text for a payload", "room:join", ["room"], "INVALID_PAYLOAD"],
  ["a list for a payload", "room:join", [[{ room }]], "INVALID_PAYLOAD"],
  ["binary for a payload", "room:join", [Buffer.from("room")], "INVALID_PAYLOAD"],
  ["an unknown field", "room:join", [{ room, rome: 1 }], "INVALID_PAYLOAD"],
  ["very many unknown fields", "room:join", [{ room, ...manyFields() }], "INVALID_PAYLOAD"],
  [
    "data with very many unknown fields",
    "message:publish",
    [{ ...message, data: { text: "a", ...manyFields() } }],
    "INVALID_PAYLOAD",
  ],
  ["a room of the wrong type", "room:join", [{ room: 5 }], "INVALID_PAYLOAD"],
  ["an empty room", "room:join", [{ room: "" }], "INVALID_PAYLOAD"],
  ["a room with a brace", "room:join", [{ room: "{a}" }], "INVALID_PAYLOAD"],
  ["a room with a line break", "room:join", [{ room: "a\n" }], "INVALID_PAYLOAD"],
  ["a room of 129 characters", "room:join", [{ room: "x".repeat(129) }], "INVALID_PAYLOAD"],
  ["a room that is binary", "room:join", [{ room: Buffer.from("room") }], "INVALID_PAYLOAD"],
  ["a malformed position", "room:join", [{ room, since: "1" }], "INVALID_PAYLOAD"],
  ["a position with a leading zero", "room:join", [{ room, since: "01-1" }], "INVALID_PAYLOAD"],
  ["a position of 16 digits", "room:join", [{ room, since: "1000000000000000-0" }], "INVALID_PAYLOAD"],
  ["a position with a command in it", "history:read", [{ room, after: "1-1 COUNT 1" }], "INVALID_PAYLOAD"],
  ["a history of -1", "room:join", [{ room, history: -1 }], "INVALID_PAYLOAD"],
  ["a history of half a message", "room:join", [{ room, history: 0.5 }], "INVALID_PAYLOAD"],
  ["a history beyond a page", "room:join", [{ room, history: limits.pageMessages + 1 }], "INVALID_PAYLOAD"],
  ["a limit of 0", "history:read", [{ room, limit: 0 }], "INVALID_PAYLOAD"],
  ["a message without an id", "message:publish", [{ ...message, id: undefined }], "INVALID_PAYLOAD"],
  ["a message with a short id", "message:publish", [{ ...message, id: "short" }], "INVALID_PAYLOAD"],
  ["a message with the bookkeeping's own id", "message:publish", [{ ...message, id: "#" }], "INVALID_PAYLOAD"],
  ["a message with quotes in its id", "message:publish", [{ ...message, id: 'a","b":"c' }], "INVALID_PAYLOAD"],
  ["a message of an unknown event", "message:publish", [{ ...message, event: "chat:shout" }], "UNKNOWN_EVENT"],
  ["a message of a prototype's event", "message:publish", [{ ...message, event: "constructor" }], "UNKNOWN_EVENT"],
  ["a signal's event as a message", "message:publish", [{ ...message, event: "chat:typing" }], "UNKNOWN_EVENT"],
  ["a message without data", "message:publish", [{ room, id, event: "chat:message" }], "INVALID_PAYLOAD"],
  ["a message with data of the wrong type", "message:publish", [{ ...message, data: "hi" }], "INVALID_PAYLOAD"],
  [
    "a message with an unknown data field",
    "message:publish",
    [{ ...message, data: { text: "a", b: 1 } }],
    "INVALID_PAYLOAD",
  ],
  [
    "a message that is too long",
    "message:publish",
    [{ ...message, data: { text: "x".repeat(4001) } }],
    "INVALID_PAYLOAD",
  ],
  [
    "a message with binary data",
    "message:publish",
    [{ ...message, data: { text: Buffer.from("x") } }],
    "INVALID_PAYLOAD",
  ],
  ["data nested too deeply", "message:publish", [{ ...message, data: { text: deep() } }], "INVALID_PAYLOAD"],
  [
    "data above the limit",
    "message:publish",
    [{ ...message, data: { text: "x".repeat(100_000) } }],
    "PAYLOAD_TOO_LARGE",
  ],
  [
    "data just below the packet limit",
    "message:publish",
    [{ ...message, data: { text: "x".repeat(1_040_000) } }],
    "PAYLOAD_TOO_LARGE",
  ],
  [
    "a signal of the wrong shape",
    "signal:send",
    [{ room, event: "chat:cursor", data: { x: "a", y: 1 } }],
    "INVALID_PAYLOAD",
  ],
])("%s is refused with its code", async (_what, event, args, code) => {
  using socket = await connectStock(instance.url);
  const answer = await send(socket, event, ...args);
  expect(answer).toMatchObject({ ok: false, error: { code, retryable: false, message: expect.any(String) } });
  expect(answer.error?.message.length).toBeLessThan(2_000);
  // The connection is as good as before.
  expect(await send(socket, "echo", "still here")).toEqual({ ok: true, data: "still here" });
});

test("packets that ask for no acknowledgement are taken or dropped in silence", async () => {
  const quiet = uniqueRoom();
  using socket = await connectStock(instance.url);
  const untyped = socket as unknown as Socket;
  untyped.emit("room:explode");
  untyped.emit("room:join");
  untyped.emit("message:publish", Buffer.from("x"), 1, 2);
  untyped.emit("message:publish", { ...message, room: quiet });
  const { messages } = await waitFor(async () => {
    const page = await askData(socket, "history:read", { room: quiet });
    return page.messages.length > 0 && page;
  }, "the message that asked for no acknowledgement");
  expect(messages).toEqual([expect.objectContaining({ id, data: { text: "hi" } })]);
});

test("nesting without end is answered or dropped, and harms nobody", async () => {
  using raw = await connectRaw(instance.url);
  const levels = 200_000;
  const nested = "[".repeat(levels) + "]".repeat(levels);
  raw.send(`42["message:publish",{"room":"room","id":"abcdefgh","event":"chat:message","data":${nested}}]`);
  raw.send(`42["echo",${nested}]`);
  raw.send(`421000["echo",${nested}]`);
  expect(await raw.request("echo", 1)).toEqual({ ok: true, data: 1 });
});

test("keys named __proto__ neither pollute nor pass", async () => {
  using raw = await connectRaw(instance.url);
  const payload = JSON.parse(
    '{"room":"room","id":"abcdefgh","event":"chat:message","data":{"text":"a","__proto__":{"polluted":1}}}',
  );
  expect(await raw.request("message:publish", payload)).toMatchObject({
    ok: false,
    error: { code: "INVALID_PAYLOAD" },
  });
  const outer = JSON.parse('{"room":"room","__proto__":{"admin":true}}');
  expect(await raw.request("room:join", outer)).toMatchObject({ ok: false, error: { code: "INVALID_PAYLOAD" } });
  expect(await raw.request("echo", {})).toEqual({ ok: true, data: {} });
});

test("echo gives back what it got, nested and absent alike", async () => {
  using socket = await connectStock(instance.url);
  for (const payload of [{ a: [1, { b: null }] }, null, 0, "", [1, 2]]) {
    expect(await send(socket, "echo", payload)).toEqual({ ok: true, data: payload });
  }
  expect(await send(socket, "echo")).toMatchObject({ ok: true });
});

test("a flood of requests is slowed down, and only for the connection that sends it", async () => {
  using raw = await connectRaw(instance.url);
  const count = 10_000;
  const answers = (await Promise.all(
    Array.from({ length: count }, () => raw.request("echo", 1, 25_000)),
  )) as readonly Answer[];
  const refused = answers.filter(({ ok }) => !ok);
  expect(refused.length).toBeGreaterThan(0);
  // A burst of 2,000 passes at least.
  expect(refused.length).toBeLessThanOrEqual(count - 2_000);
  for (const { error } of refused) {
    expect(error).toMatchObject({ code: "RATE_LIMITED", retryable: true, retryAfterMs: expect.any(Number) });
  }
});

test("a packet above the limit closes its connection, and no other", async () => {
  using raw = await connectRaw(instance.url);
  raw.emit("message:publish", { ...message, data: { text: "x".repeat(limits.packetBytes) } });
  expect((await withTimeout(raw.closed, "the connection to close")).code).not.toBe(1000);
});
