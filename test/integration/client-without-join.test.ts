import type { HoldfastError } from "@holdfast/client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { numbered, record, recordStatus, startRig } from "../support/client-rig.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { type AuthRig, startAuthRig } from "./auth-rig.ts";

// Publishing and signalling to rooms that are not joined, with the package's client.

const rooms = { "*": "read write" };
const writeOnly = { "drop:*": "write" };

let rig: AuthRig;
beforeAll(async () => {
  rig = await startAuthRig({}, { instances: 2 });
});
afterAll(() => rig[Symbol.asyncDispose]());

test("a user who may only write in a room publishes and signals to it, and never joins", async () => {
  const name = uniqueRoom("drop:box");
  const reader = rig.connect({ token: await rig.token("ben", { rooms }) }, 1).join(name);
  const heard: unknown[] = [];
  reader.on("said", (data, { from }) => heard.push([data, from.user]));
  reader.on("typing", (_, { from }) => heard.push(["typing", from.user]));
  await reader.ready;
  const writer = rig.connect({ token: await rig.token("ann", { rooms: writeOnly }) });
  // Before it is connected, too.
  const published = await writer.publish(name, "said", "for you", { id: "an-id-of-the-test" });
  expect(published).toMatchObject({ id: "an-id-of-the-test", duplicate: false });
  expect(await writer.publish(name, "said", "for you", { id: "an-id-of-the-test" })).toEqual({
    ...published,
    duplicate: true,
  });
  writer.signal(name, "typing", {});
  await waitFor(() => heard.length >= 2, "the message and the signal");
  expect(heard).toEqual([
    ["for you", "ann"],
    ["typing", "ann"],
  ]);
  const room = writer.join(name);
  room.on("error", () => undefined);
  await expect(room.ready).rejects.toMatchObject({ code: "FORBIDDEN" });
});

test("what a client publishes to a room goes on where its own join is refused", async () => {
  const name = uniqueRoom("drop:box");
  const writer = rig.connect({ token: await rig.token("ann", { rooms: writeOnly }) });
  const room = writer.join(name);
  room.on("error", () => undefined);
  const byRoom = room.publish("said", "by the room");
  const byClient = writer.publish(name, "said", "by the client");
  await expect(byRoom).rejects.toMatchObject({ code: "FORBIDDEN" });
  await expect(byClient).resolves.toMatchObject({ duplicate: false });
  expect((await rig.server.history(name)).messages.map(({ data }) => data)).toEqual(["by the client"]);
});

test("what is refused rejects, a refused signal is an error of the client, and the client goes on", async () => {
  const client = rig.connect({ token: await rig.token("ann", { rooms: writeOnly }) });
  const errors: HoldfastError[] = [];
  client.on("error", (error) => errors.push(error));
  await expect(client.publish("elsewhere", "said", "no")).rejects.toMatchObject({ code: "FORBIDDEN" });
  await expect(client.publish("no spaces, please", "said", "no")).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
  client.signal("elsewhere", "typing", {});
  await waitFor(() => errors.length > 0, "the refusal of the signal");
  expect(errors).toMatchObject([{ code: "FORBIDDEN", retryable: false }]);
  expect(client.status).toBe("connected");
  await client.publish(uniqueRoom("drop:box"), "said", "yes");
  await client.close();
  await expect(client.publish("drop:box", "said", "late")).rejects.toMatchObject({ code: "CLOSED" });
  client.signal("drop:box", "typing", {});
});

test("publishes by the client and by handles of a room are stored in the order of the calls", async () => {
  const name = uniqueRoom();
  const client = rig.connect({ token: await rig.token("ann", { rooms }) });
  const texts = numbered(0, 300);
  const publish = async (by: { publish(text: string): Promise<unknown> }, some: readonly string[]) => {
    await Promise.all(some.map((text) => by.publish(text)));
  };
  const outside = { publish: (text: string) => client.publish(name, "said", text) };
  const first = publish(outside, texts.slice(0, 100));
  const room = client.join(name);
  const inside = { publish: (text: string) => room.publish("said", text) };
  const both = texts.slice(100, 200).map((text, index) => (index % 2 ? inside : outside).publish(text));
  await Promise.all([first, ...both]);
  const leaving = room.leave();
  await publish(outside, texts.slice(200));
  await leaving;
  const { messages } = await rig.server.history(name, { limit: 500 });
  expect(messages.map(({ data }) => data)).toEqual(texts);
});

test("what a client publishes without a handle is stored once and in order over cuts, and no signal comes late", async () => {
  await using line = await startRig();
  const [server] = line.servers;
  if (!server) throw new Error("expected a server");
  const name = uniqueRoom();
  const reader = line.connectDirectly(server).join(name);
  const recording = record(reader);
  const places: number[] = [];
  reader.on("chat:cursor", ({ x }) => places.push(x));
  await reader.ready;
  const client = line.connect();
  const texts = numbered(0, 400);
  const stored: Promise<unknown>[] = [];
  for (const [index, text] of texts.entries()) {
    stored.push(client.publish(name, "chat:message", { text }));
    if (index % 100 !== 50) continue;
    await waitFor(() => client.status === "connected", "the client to be connected");
    line.relay.cutAll({ reset: true });
  }
  await waitFor(() => client.status === "reconnecting", "the client to notice the last cut");
  client.signal(name, "chat:cursor", { x: 1, y: 0 });
  client.signal(name, "chat:cursor", { x: 2, y: 0 }, { latest: true });
  await Promise.all(stored);
  client.signal(name, "chat:cursor", { x: 3, y: 0 }, { latest: true });
  await waitFor(() => places.includes(3), "the signal after the cuts");
  await recording.has(texts.at(-1) ?? "");
  expect(recording.texts()).toEqual(texts);
  expect(places).toEqual([3]);
  expect(client.waiting).toBe(0);
});

test("a client without a room moves while it publishes: nothing lost, repeated, reordered or cut", async () => {
  await using line = await startRig({ env: { FUNCTION_TIMEOUT_SECONDS: "3" } });
  const name = uniqueRoom();
  const client = line.connect();
  const statuses = recordStatus(client);
  const moves = () => statuses.filter((status) => status === "moving").length;
  const stored: Promise<unknown>[] = [];
  const timer = setInterval(() => {
    stored.push(client.publish(name, "chat:message", { text: `m${stored.length}` }));
  }, 5);
  await waitFor(() => moves() >= 2 && client.status === "connected", "two moves", 20_000);
  clearInterval(timer);
  await Promise.all(stored);
  const reader = line.connect().join(name, { history: 500 });
  const recording = record(reader);
  await recording.has(`m${stored.length - 1}`);
  expect(recording.texts()).toEqual(numbered(0, stored.length).slice(-500));
  expect(statuses).not.toContain("reconnecting");
});
