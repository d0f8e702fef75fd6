import { request as httpRequest } from "node:http";
import { connect as connectTcp } from "node:net";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { instanceWithBystander } from "../support/bystander.ts";
import { connectRaw } from "../support/raw-websocket.ts";
import { sessionId } from "../support/unique.ts";
import { withTimeout } from "../support/wait.ts";

// Handshakes, frames and bytes that no client of ours sends.

const instance = instanceWithBystander({ ALLOWED_ORIGINS: "https://app.example", FUNCTION_TIMEOUT_SECONDS: "3600" });

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
  await expect(connectRaw(instance.url, { auth })).rejects.toThrow(code);
});

test("a handshake's fields may come in the query of a client that has no auth", async () => {
  const socket = new WebSocket(
    `${instance.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket&protocol=1&session=${sessionId()}`,
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
  const attempt = connectRaw(instance.url, { headers: { origin } });
  if (allowed) (await attempt).terminate();
  else await expect(attempt).rejects.toThrow("Unexpected server response: 400");
});

test("long-polling is not spoken", async () => {
  const answer = await fetch(`${instance.url}/socket.io/?EIO=4&transport=polling`);
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
  using raw = await connectRaw(instance.url);
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
  const { port } = instance;
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
  const { port } = instance;
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
  expect((await fetch(`${instance.url}/healthz`, { headers })).status).toBe(200);
  using raw = await connectRaw(instance.url, { headers });
  expect(await raw.request("echo", 1)).toEqual({ ok: true, data: 1 });
  expect(instance.output).not.toMatch(/hunter2|id-of-a-key|tkn-x/);
});
