import { request as httpRequest } from "node:http";
import { connect as connectTcp } from "node:net";
import type { Socket } from "socket.io-client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { limits } from "../../client/src/protocol/limits.ts";
import { faultsOf, type Instances, startInstances } from "../support/instances.ts";
import { connectRaw } from "../support/raw-websocket.ts";
import { askData, type Collected, collect, connectStock, type StockSocket } from "../support/stock-client.ts";
import { messageId, sessionId, uniqueRoom } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

let instances: Instances;
let witness: StockSocket;
let witnessed: Collected<"message:published">;
const witnessRoom = uniqueRoom("witness");

beforeAll(async () => {
  instances = await startInstances(1, {
    env: { ALLOWED_ORIGINS: "https://app.example", FUNCTION_TIMEOUT_SECONDS: "3600" },
  });
  witness = await connectStock(instances.url(0));
  witnessed = collect(witness, "message:published");
  await askData(witness, "room:join", { room: witnessRoom });
});

/** After each bad thing: the server lives, and a bystander on the same connection as ever publishes and receives. */
afterEach(async () => {
  expect(instances.servers[0]?.ended).toBeUndefined();
  expect(witness.connected).toBe(true);
  const id = messageId();
  const fence = { room: witnessRoom, id, event: "chat:message", data: { text: "fence" } };
  await askData(witness, "message:publish", fence);
  await witnessed.waitFor(({ messages }) => messages.some((message) => message.id === id), "the fence message");
});

afterAll(async () => {
  const faults = instances.servers.flatMap(faultsOf);
  witness.disconnect();
  await instances[Symbol.asyncDispose]();
  expect(faults).toEqual([]);
});

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
    "NOT_JOINED",
  ],
])("%s is refused with its code", async (_what, event, args, code) => {
  using socket = await connectStock(instances.url(0));
  const answer = await send(socket, event, ...args);
  expect(answer).toMatchObject({ ok: false, error: { code, retryable: false, message: expect.any(String) } });
  expect(answer.error?.message.length).toBeLessThan(2_000);
  // The connection is as good as before.
  expect(await send(socket, "echo", "still here")).toEqual({ ok: true, data: "still here" });
});

test("packets that ask for no acknowledgement are taken or dropped in silence", async () => {
  const quiet = uniqueRoom();
  using socket = await connectStock(instances.url(0));
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
  using raw = await connectRaw(instances.url(0));
  const levels = 200_000;
  const nested = "[".repeat(levels) + "]".repeat(levels);
  raw.send(`42["message:publish",{"room":"room","id":"abcdefgh","event":"chat:message","data":${nested}}]`);
  raw.send(`42["echo",${nested}]`);
  raw.send(`421000["echo",${nested}]`);
  expect(await raw.request("echo", 1)).toEqual({ ok: true, data: 1 });
});

test("keys named __proto__ neither pollute nor pass", async () => {
  using raw = await connectRaw(instances.url(0));
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
  using socket = await connectStock(instances.url(0));
  for (const payload of [{ a: [1, { b: null }] }, null, 0, "", [1, 2]]) {
    expect(await send(socket, "echo", payload)).toEqual({ ok: true, data: payload });
  }
  expect(await send(socket, "echo")).toMatchObject({ ok: true });
});

test("a flood of requests is slowed down, and only for the connection that sends it", async () => {
  using raw = await connectRaw(instances.url(0));
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
  using raw = await connectRaw(instances.url(0));
  raw.emit("message:publish", { ...message, data: { text: "x".repeat(limits.packetBytes) } });
  expect((await withTimeout(raw.closed, "the connection to close")).code).not.toBe(1000);
});

test.each<[string, Record<string, unknown>, string]>([
  ["another protocol", { protocol: 99, session: sessionId() }, "UNSUPPORTED_PROTOCOL"],
  ["no protocol", { session: sessionId() }, "INVALID_PAYLOAD"],
  ["no session", { protocol: 1 }, "INVALID_PAYLOAD"],
  ["a short session", { protocol: 1, session: "short" }, "INVALID_PAYLOAD"],
  ["a session with spaces", { protocol: 1, session: "a session with spaces" }, "INVALID_PAYLOAD"],
  ["a session of 65 characters", { protocol: 1, session: "s".repeat(65) }, "INVALID_PAYLOAD"],
  ["a session that is an object", { protocol: 1, session: {} }, "INVALID_PAYLOAD"],
  ["a token that is a number", { protocol: 1, session: sessionId(), token: 5 }, "INVALID_PAYLOAD"],
  ["a token of 5,000 characters", { protocol: 1, session: sessionId(), token: "t".repeat(5_000) }, "INVALID_PAYLOAD"],
])("a handshake with %s is refused with its code", async (_what, auth, code) => {
  await expect(connectRaw(instances.url(0), { auth })).rejects.toThrow(code);
});

test("a handshake's fields may come in the query of a client that has no auth", async () => {
  const socket = new WebSocket(
    `${instances.url(0).replace("http", "ws")}/socket.io/?EIO=4&transport=websocket&protocol=1&session=${sessionId()}`,
  );
  try {
    const connected = new Promise<string>((resolve) => {
      socket.on("message", (bytes: Buffer) => {
        const text = bytes.toString();
        if (text.startsWith("0")) socket.send("40");
        else resolve(text);
      });
    });
    expect(await withTimeout(connected, "the namespace's answer")).toMatch(/^40\{"sid"/);
  } finally {
    socket.terminate();
  }
});

test.each([
  ["https://app.example", true],
  ["https://evil.example", false],
  ["null", false],
])("a browser's page from %s may connect: %s", async (origin, allowed) => {
  const attempt = connectRaw(instances.url(0), { headers: { origin } });
  if (allowed) (await attempt).terminate();
  else await expect(attempt).rejects.toThrow("Unexpected server response: 400");
});

test("long-polling is not spoken", async () => {
  const answer = await fetch(`${instances.url(0)}/socket.io/?EIO=4&transport=polling`);
  expect(answer.status).toBe(400);
});

test.each<[string, string | Buffer]>([
  ["text that is no packet", "hello"],
  ["an empty frame", ""],
  ["a binary frame", Buffer.from([0, 1, 2, 255])],
  ["an unknown packet type", "9"],
  ["a second connect", '40{"protocol":1}'],
  ["a connect to another namespace", "40/admin,"],
  ["broken JSON", '42["room:join",{'],
  ["an event that is no list", '42{"a":1}'],
  ["an event without a name", "42[]"],
  ["an event with a number for a name", "42[5,{}]"],
  ["an event with an object for a name", '42[{"a":1}]'],
  ["a reserved event's name", '42["disconnect"]'],
  ["another reserved event's name", '42["connect_error",{}]'],
  ["an acknowledgement of nothing", "43999[1]"],
  ["a huge acknowledgement number", '4299999999999999999999["echo",1]'],
  ["a binary event whose attachment never comes", '451-["message:publish",{"_placeholder":true,"num":0}]'],
  ["a binary event with a billion attachments", '45999999999-["echo"]'],
  ["an attachment number out of range", '451-["echo",{"_placeholder":true,"num":7}]'],
  ["invalid UTF-8 in a text frame", Buffer.from([0x34, 0x32, 0xff, 0xfe])],
])("a raw frame with %s harms nobody else", async (what, frame) => {
  using raw = await connectRaw(instances.url(0));
  const socket = raw as unknown as { send(packet: string | Buffer): void };
  socket.send(frame);
  if (what.includes("attachment")) socket.send(Buffer.from("attachment"));
  // Either the connection was closed for it, or it goes on.
  const alive = raw.request("echo", 1, 2_000).then(
    () => "alive",
    () => "silent",
  );
  expect(["alive", "closed", "silent"]).toContain(
    await Promise.race([alive, raw.closed.then(() => "closed" as const)]),
  );
});

test("bytes that are no HTTP, half a request and half an upgrade harm nobody else", async () => {
  const { port } = instances.servers[0] ?? { port: 0 };
  const closing = ["\x00\x01\x02garbage\r\n\r\n", "GET /socket.io/?EIO=4&transport=websocket HTTP/9.9\r\n\r\n"];
  for (const bytes of closing) {
    const socket = connectTcp(port, "127.0.0.1");
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => undefined);
    socket.resume();
    socket.write(bytes);
    await withTimeout(closed, "the server to close what is no HTTP");
  }
  const half = connectTcp(port, "127.0.0.1");
  half.on("error", () => undefined);
  half.write("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n");
  half.resetAndDestroy();
});

test("WebSocket frames against the protocol close their connection, and no other", async () => {
  const { port } = instances.servers[0] ?? { port: 0 };
  // Reserved bits, an unknown opcode, an unmasked frame, a length beyond every limit.
  const frames = [
    [0xff, 0x80, 0, 0, 0, 0],
    [0x83, 0x80, 0, 0, 0, 0],
    [0x81, 0x01, 0x61],
    [0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
  ];
  for (const frame of frames) {
    const socket = await new Promise<import("node:net").Socket>((resolve, reject) => {
      const request = httpRequest({
        port,
        path: "/socket.io/?EIO=4&transport=websocket",
        headers: {
          Connection: "Upgrade",
          Upgrade: "websocket",
          "Sec-WebSocket-Version": "13",
          "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
      });
      request.once("upgrade", (_response, upgraded) => resolve(upgraded));
      request.once("error", reject);
      request.end();
    });
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    socket.on("error", () => undefined);
    socket.resume();
    socket.write(Buffer.from(frame));
    await withTimeout(closed, `the server to close after the frame ${Buffer.from(frame).toString("hex")}`);
  }
});

test("requests with the platform's credentials in their headers are served, and the credentials are nowhere in the log", async () => {
  const headers = {
    "x-fc-access-key-id": "id-of-a-key",
    "x-fc-access-key-secret": "hunter2",
    "x-fc-security-token": "tkn-x",
  };
  expect((await fetch(`${instances.url(0)}/healthz`, { headers })).status).toBe(200);
  using raw = await connectRaw(instances.url(0), { headers });
  expect(await raw.request("echo", 1)).toEqual({ ok: true, data: 1 });
  expect(instances.servers[0]?.output).not.toMatch(/hunter2|id-of-a-key|tkn-x/);
});
