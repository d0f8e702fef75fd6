import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inflateBehind } from "../support/frame-reader.ts";
import { faultsOf, type Instances, startInstances } from "../support/instances.ts";
import { longRoom } from "../support/long-room.ts";
import { samplesIn } from "../support/metrics.ts";
import { connectPacket } from "../support/raw-engine.ts";
import { openFrames, type RawFrames, textFrame } from "../support/raw-frames.ts";
import { connectRaw, type RawClient } from "../support/raw-websocket.ts";
import { connectStock } from "../support/stock-client.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

// COMPRESS_FROM_BYTES: members that take deflated frames and members that take none, side by side in the same rooms.

const fromBytes = 300;
const offer = "permessage-deflate; client_max_window_bits";

let instances: Instances;

beforeAll(async () => {
  const env = { COMPRESS_FROM_BYTES: String(fromBytes), PUBLISHES_PER_SECOND: "100000" };
  instances = await startInstances(2, { env });
});

afterAll(async () => {
  const faults = instances.servers.flatMap(faultsOf);
  await instances[Symbol.asyncDispose]();
  expect(faults).toEqual([]);
});

interface Member extends Disposable {
  readonly client: RawClient;
  readonly packets: string[];
}

async function member(
  room: string,
  { deflates, instance = 0 }: { deflates: boolean; instance?: number },
): Promise<Member> {
  const packets: string[] = [];
  const client = await connectRaw(instances.url(instance), { deflates, onEvent: (packet) => packets.push(packet) });
  expect(await client.request("room:join", { room })).toMatchObject({ ok: true });
  return { client, packets, [Symbol.dispose]: () => client.terminate() };
}

/** A member below every library, with what it offered. */
async function rawMember(room: string, extensions: string): Promise<RawFrames> {
  const raw = await openFrames(instances.url(0), undefined, extensions);
  await raw.write(textFrame(connectPacket()));
  await waitFor(() => raw.texts("text").some((text) => text.startsWith("40{")), "the connection to the namespace");
  await raw.write(textFrame(`420["room:join",${JSON.stringify({ room })}]`));
  await waitFor(() => raw.texts("text").some((text) => text.startsWith('430[{"ok":true')), "the answer to the join");
  return raw;
}

async function publish(client: RawClient, room: string, text: string): Promise<void> {
  const payload = { room, id: messageId(), event: "chat:message", data: { text } };
  expect(await client.request("message:publish", payload)).toMatchObject({ ok: true });
}

/** What waits on the first instance for connections that do not read. */
async function waitingBytes(): Promise<number> {
  const metrics = await (await fetch(`${instances.url(0)}/metrics`)).text();
  return samplesIn(metrics).get("holdfast_reader_waiting_bytes") ?? Number.NaN;
}

function broadcastsOf(raw: RawFrames) {
  return raw.frames.filter(({ text }) => text.startsWith('42["message:published"'));
}

const words = (count: number) =>
  randomBytes(count * 3)
    .toString("hex")
    .match(/.{6}/g)
    ?.join(" ") ?? "";

test("members that take deflated frames get the same packets in the same order as others, on each instance", async () => {
  const room = uniqueRoom();
  using plain = await member(room, { deflates: false });
  using deflating = await member(room, { deflates: true });
  using elsewhere = await member(room, { deflates: true, instance: 1 });
  using publisher = await connectRaw(instances.url(0), { deflates: true });
  const latecomers: Member[] = [];
  for (let number = 0; number < 60; number += 1) {
    if (number % 20 === 10) latecomers.push(await member(room, { deflates: true }));
    // Some are below the threshold, and some are longer than what the next may refer to.
    await publish(publisher, room, `${number} ${words(number % 3 === 0 ? 1 : number % 3 === 1 ? 40 : 550)}`);
    publisher.emit("signal:send", { room, event: "chat:cursor", data: { x: number, y: Math.random() } });
  }
  await publish(publisher, room, "the last");
  const all = [plain, deflating, elsewhere, ...latecomers];
  await waitFor(
    () => all.every(({ packets }) => packets.at(-1)?.includes('"the last"')),
    "the last message everywhere",
  );
  expect(deflating.packets).toEqual(plain.packets);
  const messages = (packets: readonly string[]) => packets.filter((packet) => packet.includes("message:published"));
  expect(messages(elsewhere.packets)).toEqual(messages(plain.packets));
  for (const { packets } of latecomers) expect(packets).toEqual(plain.packets.slice(-packets.length));
  expect(deflating.client.receivedBytes).toBeLessThan(plain.client.receivedBytes);
  for (const { client } of latecomers) client.terminate();
});

test("a member of two rooms, whose histories it reads between their messages, inflates all of them", async () => {
  const [room, other] = [uniqueRoom(), uniqueRoom()];
  using plain = await member(room, { deflates: false });
  using both = await member(room, { deflates: true });
  expect(await both.client.request("room:join", { room: other })).toMatchObject({ ok: true });
  using publisher = await connectRaw(instances.url(0));
  for (let number = 0; number < 20; number += 1) {
    await publish(publisher, room, `${number} ${words(60)}`);
    if (number % 3 === 0) await publish(publisher, other, `${number} ${words(60)}`);
    if (number % 4 !== 0) continue;
    const pages = await Promise.all(
      [plain, both].map(({ client }) => client.request("history:read", { room, limit: 10 })),
    );
    expect(pages[0]).toMatchObject({ ok: true });
    expect(pages[1]).toEqual(pages[0]);
  }
  const ofRoom = () => both.packets.filter((packet) => packet.includes(room));
  await waitFor(() => ofRoom().length === 20 && plain.packets.length === 20, "all messages");
  expect(ofRoom()).toEqual(plain.packets);
});

test("a member that has stopped reading gets deflated frames in the same order as one that reads", async () => {
  const room = uniqueRoom();
  using reading = await member(room, { deflates: false });
  using stopped = await member(room, { deflates: true });
  using publisher = await connectRaw(instances.url(0));
  stopped.client.pause();
  let published = 0;
  const publishMany = async () => {
    const texts = Array.from({ length: 50 }, (_, index) => `${published + index} ${words(500)}`);
    await Promise.all(texts.map((text) => publish(publisher, room, text)));
    published += texts.length;
    return waitingBytes();
  };
  // What the buffers of a TCP connection take nobody knows. Less waits than a slow reader is cut for.
  await waitFor(async () => (await publishMany()) > 0, "something to wait for the member that has stopped");
  const before = await publishMany();
  const written = (await publishMany()) - before;
  // What waits is counted as it is sent: the texts are random hexadecimal digits, of which two take a byte.
  expect(written).toBeGreaterThan(0);
  expect(written).toBeLessThan(50 * 3_500 * 0.8);
  stopped.client.resume();
  await publish(publisher, room, "the last");
  await waitFor(() => stopped.packets.at(-1)?.includes('"the last"'), "the member that had stopped to have all");
  await waitFor(() => reading.packets.at(-1)?.includes('"the last"'), "the member that reads to have all");
  expect(stopped.packets).toEqual(reading.packets);
  // Nothing waits any more, and the next one refers to what was sent before it.
  await publish(publisher, room, words(100));
  await publish(publisher, room, "behind it");
  await waitFor(() => stopped.packets.at(-1)?.includes('"behind it"'), "the messages that were sent afterwards");
});

test("what a WebSocket offers is answered, and RSV1 is set on long frames alone", async () => {
  const room = uniqueRoom();
  using raw = await rawMember(room, offer);
  using publisher = await connectRaw(instances.url(0));
  expect(raw.extensions).toBe("permessage-deflate; client_no_context_takeover");
  await publish(publisher, room, "short");
  const texts = [words(100), words(100)];
  for (const text of texts) await publish(publisher, room, text);
  await waitFor(() => broadcastsOf(raw).length === 3, "three messages");
  expect(broadcastsOf(raw).map(({ isDeflated }) => isDeflated)).toEqual([false, true, true]);
  const [, first, second] = broadcastsOf(raw);
  expect([first?.text, second?.text].map((text) => JSON.parse(text?.slice(2) ?? "")[1].messages[0].data.text)).toEqual(
    texts,
  );
  // All that was sent before these is short, and what two messages have in common is sent once.
  expect(raw.frames.filter(({ isDeflated }) => isDeflated)).toEqual([first, second]);
  expect(second?.payload.length).toBeLessThan((first?.payload.length ?? 0) - 100);
});

test("a WebSocket that forgets each message gets frames that each can be inflated alone", async () => {
  const room = uniqueRoom();
  using raw = await rawMember(room, "permessage-deflate; server_no_context_takeover");
  using publisher = await connectRaw(instances.url(0));
  expect(raw.extensions).toBe("permessage-deflate; server_no_context_takeover; client_no_context_takeover");
  const texts = [words(100), words(100), words(100)];
  for (const text of texts) await publish(publisher, room, text);
  await waitFor(() => broadcastsOf(raw).length === 3, "three messages");
  for (const [index, { isDeflated, payload }] of broadcastsOf(raw).entries()) {
    expect(isDeflated).toBe(true);
    expect(inflateBehind(Buffer.alloc(0), payload).message.toString()).toContain(texts[index]);
  }
});

test.each([
  ["that offers nothing", "", ""],
  [
    "that asks for a small window",
    "permessage-deflate; server_max_window_bits=10",
    "permessage-deflate; server_max_window_bits=10; client_no_context_takeover",
  ],
])("a WebSocket %s gets plain frames alone", async (_, offered, agreed) => {
  const room = uniqueRoom();
  using raw = await rawMember(room, offered);
  using publisher = await connectRaw(instances.url(0));
  expect(raw.extensions).toBe(agreed);
  await publish(publisher, room, words(200));
  await waitFor(() => broadcastsOf(raw).length === 1, "the message");
  expect(raw.frames.some(({ isDeflated }) => isDeflated)).toBe(false);
});

test("a page of history comes deflated, and takes less than half of its bytes", async () => {
  const { room } = await longRoom(instances.url(0), 30);
  const read = async (deflates: boolean) => {
    using client = await connectRaw(instances.url(0), { deflates });
    const before = client.receivedBytes;
    const page = await client.request("history:read", { room, limit: 30 });
    return { page, bytes: client.receivedBytes - before };
  };
  const [plain, deflated] = [await read(false), await read(true)];
  expect(deflated.page).toEqual(plain.page);
  expect(deflated.bytes).toBeLessThan(plain.bytes / 2);
});

test("socket.io-client in Node.js takes deflated frames and sends them, without an option", async () => {
  const room = uniqueRoom();
  using stock = await connectStock(instances.url(0));
  using plain = await member(room, { deflates: false });
  expect(await stock.emitWithAck("room:join", { room })).toMatchObject({ ok: true });
  const received = new Promise((resolve) => stock.once("message:published", resolve));
  const text = words(300);
  const payload = { room, id: messageId(), event: "chat:message" as const, data: { text } };
  expect(await stock.emitWithAck("message:publish", payload)).toMatchObject({ ok: true });
  expect(await withTimeout(received, "the message")).toMatchObject({ messages: [{ data: { text } }] });
  await waitFor(() => plain.packets.length === 1, "the message at the other member");
  expect(plain.packets[0]).toContain(text);
});

test("without the setting nobody's offer is taken", async () => {
  await using off = await startInstances(1, { redis: instances.redis });
  using raw = await openFrames(off.url(0), undefined, offer);
  expect(raw.extensions).toBe("");
});
