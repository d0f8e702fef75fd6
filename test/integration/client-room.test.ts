import { HoldfastError } from "@holdfast/client";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { connectChat } from "../support/chat.ts";
import { numbered, type Rig, record, recordStatus, startRig } from "../support/client-rig.ts";
import { uniqueRoom } from "../support/unique.ts";
import { timePasses, waitFor } from "../support/wait.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterEach(() => rig.closeClients());
afterAll(() => rig[Symbol.asyncDispose]());

test("members hear each other, with the history that they asked for", async () => {
  const name = uniqueRoom();
  const first = rig.connect().join(name);
  for (const text of numbered(0, 5)) await first.publish("chat:message", { text });

  const client = rig.connect();
  const second = client.join(name, { history: 2 });
  const recording = record(second);
  const heard: string[] = [];
  second.on("chat:message", ({ text }, { event, from, replayed, position }) => {
    // While its handlers run, a message does not count as delivered.
    expect(second.position).not.toBe(position);
    heard.push(
      `${event} ${text} ${replayed ? "replayed" : "live"} ${from.session === client.session ? "mine" : "theirs"}`,
    );
  });
  await second.ready;
  const { position } = await second.publish("chat:message", { text: "m5" });
  await recording.has("m5");
  expect(heard).toEqual([
    "chat:message m3 replayed theirs",
    "chat:message m4 replayed theirs",
    "chat:message m5 live mine",
  ]);
  expect(second.position).toBe(position);
});

test("a room that is joined again while it is being left is joined", async () => {
  const name = uniqueRoom();
  const client = rig.connect();
  const room = client.join(name);
  await room.ready;
  const leaving = room.leave();
  const again = client.join(name);
  await leaving;
  const left = record(room);
  const recording = record(again);
  await again.publish("chat:message", { text: "to the new one" });
  await recording.has("to the new one");
  expect(left.messages).toEqual([]);
  await expect(room.publish("chat:message", { text: "too late" })).rejects.toMatchObject({ code: "CLOSED" });
});

test("a room left before its join was answered and joined again delivers once", async () => {
  const name = uniqueRoom();
  const client = rig.connect();
  await client.join(uniqueRoom("fence")).ready;
  const room = client.join(name);
  await room.leave();
  await room.ready;
  expect(room.status).toBe("left");
  const again = client.join(name);
  const recording = record(again);
  await again.ready;
  await again.publish("chat:message", { text: "once" });
  await again.publish("chat:message", { text: "fence" });
  await recording.has("fence");
  expect(recording.texts()).toEqual(["once", "fence"]);
});

test("a room that is refused for good says so everywhere", async () => {
  const client = rig.connect();
  const room = client.join("no spaces, please");
  const errors: HoldfastError[] = [];
  room.on("error", (error) => errors.push(error));
  const publish = room.publish("chat:message", { text: "hello" });
  await expect(publish).rejects.toMatchObject({ code: "INVALID_PAYLOAD", retryable: false });
  await expect(room.ready).rejects.toBeInstanceOf(HoldfastError);
  expect(errors.map(({ code }) => code)).toEqual(["INVALID_PAYLOAD"]);
  expect(client.status).toBe("connected");
});

test("a publish that the contract does not allow rejects, and the next one goes on", async () => {
  const room = rig.connect().join(uniqueRoom());
  const bad = room.publish("chat:message", { text: "" });
  const good = room.publish("chat:message", { text: "good" });
  await expect(bad).rejects.toMatchObject({ code: "INVALID_PAYLOAD", retryable: false });
  await expect(good).resolves.toHaveProperty("position");
});

test("a publish of what is not JSON rejects, and the next one goes on", async () => {
  const room = rig.connect().join(uniqueRoom());
  const untyped: { publish(event: string, data?: unknown): Promise<unknown> } = room;
  for (const data of [undefined, () => undefined, 1n]) {
    const rejected: unknown = await untyped.publish("chat:message", data).catch((error: unknown) => error);
    expect(rejected).toBeInstanceOf(HoldfastError);
    expect(rejected).toMatchObject({ code: "INVALID_PAYLOAD", retryable: false });
  }
  await expect(room.publish("chat:message", { text: "good" })).resolves.toHaveProperty("position");
});

test("a handler that throws is reported and disturbs neither other handlers nor later messages", async () => {
  const reported = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const room = rig.connect().join(uniqueRoom());
  const mistake = new Error("a mistake of the application");
  room.on("chat:message", () => {
    throw mistake;
  });
  const recording = record(room);
  await room.publish("chat:message", { text: "one" });
  await room.publish("chat:message", { text: "two" });
  await recording.has("two");
  expect(recording.texts()).toEqual(["one", "two"]);
  expect(reported.mock.calls).toEqual([[mistake], [mistake]]);
  reported.mockRestore();
});

test("a signal reaches the members that are connected; one sent while offline is lost and never delivered late", async () => {
  const [server] = rig.servers;
  if (!server) throw new Error("expected a server");
  const name = uniqueRoom();
  const client = rig.connect();
  const sender = client.join(name);
  const listener = rig.connectDirectly(server).join(name);
  const heard: number[] = [];
  const off = listener.on("chat:cursor", ({ x }, { from }) => {
    expect(from.session).toBe(client.session);
    heard.push(x);
  });
  await Promise.all([sender.ready, listener.ready]);
  sender.signal("chat:cursor", { x: 1, y: 0 });
  sender.signal("chat:cursor", { x: 2, y: 0 });
  await waitFor(() => heard.length === 2, "both signals");
  rig.relay.cutAll({ reset: true });
  await waitFor(() => client.status === "reconnecting", "the client to notice the cut");
  sender.signal("chat:cursor", { x: 3, y: 0 });
  await waitFor(() => client.status === "connected", "the client to come back");
  await sender.publish("chat:message", { text: "joined again" });
  sender.signal("chat:cursor", { x: 4, y: 0 });
  await waitFor(() => heard.includes(4), "the signal after the cut");
  expect(heard).toEqual([1, 2, 4]);
  off();
});

test("a cursor that moves 120 times a second is not limited, and its last place arrives", async () => {
  await using own = await startRig({ env: { SIGNALS_PER_SECOND: "20" } });
  const name = uniqueRoom();
  const sender = own.connect().join(name);
  const listener = own.connect().join(name);
  const heard: number[] = [];
  listener.on("chat:cursor", ({ x }) => heard.push(x));
  await Promise.all([sender.ready, listener.ready]);
  const errors: HoldfastError[] = [];
  sender.on("error", (error) => errors.push(error));
  // Longer than the burst of five seconds' worth would last, were each of them sent.
  const moves = 480;
  for (let x = 1; x <= moves; x += 1) {
    sender.signal("chat:cursor", { x, y: 0 }, { latest: true });
    await timePasses(1_000 / 120);
  }
  await waitFor(() => heard.includes(moves), "the last place");
  expect(heard).toEqual([...heard].sort((a, b) => a - b));
  expect(heard.length).toBeLessThanOrEqual(20 * 6);
  expect(errors).toEqual([]);
});

test("a token function that fails is reported as an error and called again", async () => {
  let calls = 0;
  const client = rig.connect({
    token: () => {
      calls++;
      if (calls === 1) throw new Error("the sign-in is slow today");
      return Promise.resolve("a token");
    },
  });
  const errors: HoldfastError[] = [];
  client.on("error", (error) => errors.push(error));
  await client.join(uniqueRoom()).ready;
  expect(calls).toBe(2);
  expect(errors).toMatchObject([
    { code: "TOKEN_FAILED", retryable: true, cause: { message: "the sign-in is slow today" } },
  ]);
});

test("a client that is refused for good is closed, and so are its rooms", async () => {
  await using guarded = await startRig({
    env: { AUTH: "token", TOKEN_SECRET: "a-secret-of-at-least-thirty-two-bytes" },
  });
  const client = guarded.connect({ token: () => "not a token" });
  const statuses = recordStatus(client);
  const errors: HoldfastError[] = [];
  client.on("error", (error) => errors.push(error));
  const room = client.join(uniqueRoom());
  await expect(room.ready).rejects.toMatchObject({ code: "UNAUTHENTICATED", retryable: false });
  expect(errors).toMatchObject([{ code: "UNAUTHENTICATED", retryable: false }]);
  expect(statuses).toEqual(["connecting", "closed"]);
  await expect(client.join(uniqueRoom()).ready).rejects.toMatchObject({ code: "CLOSED" });
});

test("a hint that the network is back makes a disconnected client try at once", async () => {
  const network = new EventTarget();
  const client = rig.connect({ onlineHint: network });
  const room = client.join(uniqueRoom());
  await room.ready;
  // The delays are as long as they can be: 1 s before the first attempt, 2 s before the second.
  const random = vi.spyOn(Math, "random").mockReturnValue(0.999);
  const port = rig.relay.targetPort;
  rig.relay.targetPort = 1;
  const accepted = rig.relay.accepted;
  rig.relay.cutAll({ reset: true });
  await waitFor(() => rig.relay.accepted > accepted, "an attempt in vain");
  rig.relay.targetPort = port;
  const hintedAtMs = performance.now();
  network.dispatchEvent(new Event("online"));
  await room.publish("chat:message", { text: "back" });
  expect(performance.now() - hintedAtMs).toBeLessThan(1500);
  random.mockRestore();
});

test("close ends everything, also before the first connection and a second time", async () => {
  const client = connectChat("http://127.0.0.1:1");
  const room = client.join("lobby");
  const publish = expect(room.publish("chat:message", { text: "never" })).rejects.toMatchObject({ code: "CLOSED" });
  await client.close();
  await client.close();
  await publish;
  await room.ready;
  expect(room.status).toBe("left");
  await expect(client.join("lobby").ready).rejects.toMatchObject({ code: "CLOSED" });
  expect(client.status).toBe("closed");
});
