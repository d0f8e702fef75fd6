import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect, type HoldfastError } from "@holdfast/client";
import { Server } from "socket.io";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { connectChat } from "../support/chat.ts";
import { type Rig, recordStatus, startRig } from "../support/client-rig.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig({ env: { ALLOWED_ORIGINS: "https://allowed.example" } });
});
afterEach(() => rig.closeClients());
afterAll(() => rig[Symbol.asyncDispose]());

const addresses = [
  ["has no scheme", "localhost:9310"],
  ["is empty", ""],
  ["has a path, which Socket.IO takes for a namespace", "http://localhost:9310/chat"],
  ["has another scheme", "ftp://localhost:9310"],
  ["has a space within it", "http://localhost:93 10"],
] as const;

test.each(addresses)("an address that %s is told, and ends the client", async (_, url) => {
  const client = connectChat(url);
  const statuses = recordStatus(client);
  const errors: HoldfastError[] = [];
  client.on("error", (error) => errors.push(error));
  await expect(client.join("lobby").ready).rejects.toMatchObject({ code: "INVALID_URL", retryable: false });
  expect(errors.map(({ message }) => message)).toEqual([expect.stringContaining(JSON.stringify(url))]);
  expect(errors[0]?.message).toContain("https://");
  expect(statuses).toEqual(["connecting", "closed"]);
  await client.close();
});

test("an address may be a URL, and space around it does no harm", async () => {
  const address = `http://127.0.0.1:${rig.relay.port}`;
  for (const url of [new URL(address), ` ${address}\n`]) {
    const client = connect(url);
    await client.join(uniqueRoom()).ready;
    await client.close();
  }
});

test("a WebSocket that is closed again before the client is connected is told once", async () => {
  const http = createServer((_, response) => response.end());
  const io = new Server(http, { transports: ["websocket"] });
  let attempts = 0;
  io.engine.on("connection", (socket) => {
    attempts++;
    socket.close();
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  const client = connectChat(`http://127.0.0.1:${port}`, { socket: { reconnectionDelay: 20, randomizationFactor: 0 } });
  const errors: HoldfastError[] = [];
  client.on("error", (error) => errors.push(error));
  await waitFor(() => attempts > 2 && errors.length > 0, "the error and further attempts");
  expect(errors).toMatchObject([{ code: "UPGRADE_REFUSED", retryable: true, cause: expect.any(Error) }]);
  await client.close();
  await io.close();
});

test("what a client rejects that was refused for good says why, and has the refusal as its cause", async () => {
  const client = connectChat("nowhere");
  await expect(client.join("lobby").ready).rejects.toMatchObject({ code: "INVALID_URL" });
  const closed = { code: "CLOSED", message: expect.stringContaining('got "nowhere"'), cause: { code: "INVALID_URL" } };
  await expect(client.join("lobby").ready).rejects.toMatchObject(closed);
  await expect(client.join("lobby").publish("chat:message", { text: "hi" })).rejects.toMatchObject(closed);
  await client.close();
  await expect(client.join("lobby").ready).rejects.toMatchObject(closed);
});

test("a client without a handler for errors warns on the console, once", async () => {
  using warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const client = connectChat("http://127.0.0.1:1", { socket: { reconnectionDelay: 20, randomizationFactor: 0 } });
  await waitFor(() => warn.mock.calls.length > 0, "the warning");
  expect(warn.mock.calls[0]).toEqual([
    expect.stringContaining("`error`"),
    expect.objectContaining({ code: "UNREACHABLE" }),
  ]);
  await client.close();
  expect(warn).toHaveBeenCalledTimes(1);
});

test("a refused join names the option as its caller wrote it", async () => {
  const room = rig.connect().join(uniqueRoom(), { history: 501 });
  await expect(room.ready).rejects.toMatchObject({
    code: "INVALID_PAYLOAD",
    message: expect.stringMatching(/^history: /),
  });
});

test.each([
  [undefined, "undefined"],
  [1n, "BigInt"],
])("data that is %s is refused with what it is", async (data, name) => {
  const publish = rig
    .connect()
    .join(uniqueRoom())
    .publish("chat:message", data as never);
  await expect(publish).rejects.toMatchObject({ code: "INVALID_PAYLOAD", message: expect.stringContaining(name) });
});

test("an address that is missing is told in the same way", async () => {
  const untyped: (url?: string) => ReturnType<typeof connect> = connect as never;
  const client = untyped();
  await expect(client.join("lobby").ready).rejects.toMatchObject({ code: "INVALID_URL" });
  await client.close();
});

test.each(["http://127.0.0.1:1", "ws://127.0.0.1:1/", "http://127.0.0.1:1?a=b"])(
  "that nothing answers at %s is told once, and the client goes on trying",
  async (url) => {
    let attempts = 0;
    const client = connectChat(url, { socket: { reconnectionDelay: 20, randomizationFactor: 0 } });
    const errors: HoldfastError[] = [];
    client.on("error", (error) => errors.push(error));
    await waitFor(() => errors.length > 0, "the error");
    expect(errors).toMatchObject([{ code: "UNREACHABLE", retryable: true, cause: expect.any(Error) }]);
    expect(errors[0]?.message).toContain(url);
    const again = connectChat(url, { socket: { reconnectionDelay: 20, randomizationFactor: 0 } });
    again.on("error", () => attempts++);
    await waitFor(() => attempts === 1, "another client's error");
    expect(errors).toHaveLength(1);
    expect(client.status).toBe("connecting");
    await Promise.all([client.close(), again.close()]);
  },
);

test("an origin that the server does not allow is told with what to do, and a client that is let in later connects", async () => {
  const headers = { origin: "https://refused.example" };
  const client = rig.connect({ socket: { extraHeaders: headers, reconnectionDelay: 20, randomizationFactor: 0 } });
  const errors: HoldfastError[] = [];
  client.on("error", (error) => errors.push(error));
  const room = client.join(uniqueRoom());
  await waitFor(() => errors.length > 0, "the error");
  expect(errors).toMatchObject([{ code: "UPGRADE_REFUSED", retryable: true }]);
  headers.origin = "https://allowed.example";
  await room.ready;
  expect(errors).toHaveLength(1);
});

test("a wrong path of the server is told as well", async () => {
  const client = rig.connect({ socket: { path: "/nowhere/" } });
  const errors: HoldfastError[] = [];
  client.on("error", (error) => errors.push(error));
  await waitFor(() => errors.length > 0, "the error");
  expect(errors[0]).toMatchObject({ code: "UPGRADE_REFUSED", message: expect.stringContaining("path") });
});

test("a server that goes away later is no error: the status says it", async () => {
  const client = rig.connect({ socket: { reconnectionDelay: 20, randomizationFactor: 0 } });
  const errors: HoldfastError[] = [];
  client.on("error", (error) => errors.push(error));
  await client.join(uniqueRoom()).ready;
  const port = rig.relay.targetPort;
  rig.relay.targetPort = 1;
  rig.relay.cutAll({ reset: true });
  const accepted = rig.relay.accepted;
  await waitFor(() => rig.relay.accepted > accepted + 2, "attempts in vain");
  rig.relay.targetPort = port;
  await waitFor(() => client.status === "connected", "the client to be back");
  expect(errors).toEqual([]);
});

test("that a room was left or a client closed by the application is no unhandled rejection", async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => void unhandled.push(reason);
  process.on("unhandledRejection", note);
  const client = rig.connect();
  const [left, closed] = [client.join(uniqueRoom()), client.join(uniqueRoom())];
  // An application that waits for a room, and handles no failure.
  const waits = [left, closed].map((room) => room.ready.then(() => room.status));
  await left.leave();
  await client.close();
  expect(await Promise.all(waits)).toEqual(["left", "left"]);
  await new Promise((resolve) => setImmediate(resolve));
  process.off("unhandledRejection", note);
  expect(unhandled).toEqual([]);
});

test("a signal that the contract refuses is told to its sender, and the room goes on", async () => {
  const room = rig.connect().join(uniqueRoom());
  const errors: HoldfastError[] = [];
  room.on("error", (error) => errors.push(error));
  await room.ready;
  const untyped: { signal(event: string, data: unknown): void } = room;
  untyped.signal("chat:cursor", { x: "left" });
  untyped.signal("chat:unknown", {});
  untyped.signal("chat:cursor", 1n);
  await waitFor(() => errors.length === 3, "three refusals");
  expect(errors.map(({ code }) => code).sort()).toEqual(["INVALID_PAYLOAD", "INVALID_PAYLOAD", "UNKNOWN_EVENT"]);
  expect(room.status).toBe("joined");
});

test("the number of publishes that wait is readable, and told when it changes", async () => {
  const client = rig.connect();
  const room = client.join(uniqueRoom());
  const counts: number[] = [];
  client.on("waiting", (waiting) => {
    expect(client.waiting).toBe(waiting);
    counts.push(waiting);
  });
  expect(client.waiting).toBe(0);
  const published = [room.publish("chat:message", { text: "one" }), room.publish("chat:message", { text: "two" })];
  await expect(room.publish("chat:message", undefined as never)).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
  expect(client.waiting).toBe(2);
  const [first] = await Promise.all(published);
  await waitFor(() => client.waiting === 0, "both to be stored");
  expect(counts).toEqual([1, 2, 1, 0]);
  expect(first?.id).toMatch(/^[\w-]{8,64}$/);
});
