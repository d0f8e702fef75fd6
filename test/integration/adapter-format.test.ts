import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createShardedAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { afterAll, beforeAll, expect, test } from "vitest";
import { positionFrame, publishedFrame, signalFrame } from "../../server/src/broadcast/frame.ts";
import { adapterRoom, roomChannel } from "../../server/src/broadcast/names.ts";
import { draftOf, openLog } from "../support/open-log.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { collect, connectStock } from "../support/stock-client.ts";
import { messageId, sessionId, uniquePrefix, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

const message = {
  position: "1700000000000-3",
  id: messageId(),
  event: "chat:message",
  data: { text: "hi" },
  from: { user: null, session: null },
  sentAtMs: 1_700_000_000_000,
};

async function openClient() {
  const client = createClient({ url: redis.url });
  await client.connect();
  return client;
}

/** Socket.IO with the adapter as its makers intend it, and nothing of Holdfast. */
async function startStockServer(channelPrefix: string) {
  const [publisher, subscriber] = await Promise.all([openClient(), openClient()]);
  const http = createServer();
  const io = new Server(http, {
    adapter: createShardedAdapter(publisher, subscriber, { channelPrefix, subscriptionMode: "dynamic" }),
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  return {
    io,
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      await io.close();
      // The adapter unsubscribes without awaiting it; a polite close lets that end.
      await Promise.all([publisher.close(), subscriber.close()]);
    },
  };
}

/** What the stock adapter publishes on a room's channel when its server broadcasts. */
async function captured(room: string, broadcast: (io: Server) => void): Promise<unknown> {
  const prefix = uniquePrefix();
  await using stock = await startStockServer(prefix);
  const listener = await openClient();
  try {
    const frames: unknown[] = [];
    await listener.sSubscribe(roomChannel(prefix, room), (text) => void frames.push(JSON.parse(text)));
    broadcast(stock.io);
    await waitFor(() => frames.length > 0, "the stock adapter to publish on the room's channel");
    return frames[0];
  } finally {
    listener.destroy();
  }
}

test("a batch is framed as the installed adapter frames a broadcast", async () => {
  const room = uniqueRoom();
  const theirs = await captured(room, (io) => {
    io.to(adapterRoom(room)).emit("message:published", { room, previous: "5-7", messages: [message, message] });
  });
  const { beforePrevious, beforeMessages, beforeTail, end } = publishedFrame(room);
  const json = JSON.stringify(message);
  const text = `${beforePrevious}5-7${beforeMessages}${json},${json}${beforeTail}"head":"${message.position}"${end}`;
  const { head, ...ours } = JSON.parse(text);
  expect(theirs).toEqual({ ...ours, uid: expect.any(String) });
  expect({ head, uid: ours.uid }).toEqual({ head: message.position, uid: "emitter" });
});

test("a position is framed as the installed adapter frames a broadcast", async () => {
  const room = uniqueRoom();
  const theirs = await captured(room, (io) => {
    io.to(adapterRoom(room)).emit("room:position", { room, position: "5-7" });
  });
  const { beforePosition, beforeTail, end } = positionFrame(room);
  const { head: _, ...ours } = JSON.parse(`${beforePosition}5-7${beforeTail}"head":"5-7"${end}`);
  expect(theirs).toEqual({ ...ours, uid: expect.any(String) });
});

test("a signal is framed as the installed adapter frames a broadcast with an exception", async () => {
  const room = uniqueRoom();
  const payload = { room, event: "chat:typing", data: {}, from: { user: null, session: sessionId() } };
  const theirs = await captured(room, (io) => {
    io.to(adapterRoom(room)).except("sender").emit("signal:sent", payload);
  });
  const { until, ...ours } = JSON.parse(signalFrame(room, { ...payload, dataJson: "{}" }, "sender", 7));
  expect(theirs).toEqual({ ...ours, uid: expect.any(String) });
  expect(until).toBe(7);
});

test("the stock adapter delivers what the log and a signal publish", async () => {
  const keyPrefix = uniquePrefix();
  await using stock = await startStockServer(keyPrefix);
  using opened = await openLog(redis.url, { keyPrefix });
  const room = uniqueRoom();
  stock.io.on("connection", (socket) => void socket.join(adapterRoom(room)));
  using member = await connectStock(stock.url);
  using left = await connectStock(stock.url);
  using published = collect(member, "message:published");
  using signals = collect(member, "signal:sent");
  using leftSignals = collect(left, "signal:sent");
  using leftPublished = collect(left, "message:published");
  const client = await openClient();
  try {
    const channel = roomChannel(keyPrefix, room);
    await waitFor(async () => (await client.pubSubShardNumSub([channel]))[channel], "the adapter to subscribe");
    const payload = { room, event: "chat:typing", data: {}, from: { user: null, session: null } };
    await client.sPublish(channel, signalFrame(room, { ...payload, dataJson: "{}" }, left.id ?? "", 7));
    const outcome = await opened.log.append(room, draftOf("through the stock adapter"));
    const position = typeof outcome === "string" ? outcome : outcome.position;
    const { messages } = await published.waitFor(() => true, "the appended message");
    expect(messages).toEqual([expect.objectContaining({ position, data: { text: "through the stock adapter" } })]);
    await leftPublished.waitFor(() => true, "the appended message");
    expect(signals.items).toEqual([payload]);
    expect(leftSignals.items).toEqual([]);
  } finally {
    client.destroy();
  }
});

test("the installed adapter is the pinned one", async () => {
  const read = async (path: string) => JSON.parse(await readFile(new URL(path, import.meta.url), "utf8"));
  const { dependencies } = await read("../../server/package.json");
  const pinned = dependencies["@socket.io/redis-adapter"];
  expect(pinned).toMatch(/^\d+\.\d+\.\d+$/);
  const installed = await read("../../node_modules/@socket.io/redis-adapter/package.json");
  expect(installed.version).toBe(pinned);
});
