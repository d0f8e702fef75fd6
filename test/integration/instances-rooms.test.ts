import { afterAll, beforeAll, expect, test } from "vitest";
import { faultsOf, type Instances, startInstances } from "../support/instances.ts";
import { live, publish, textOf } from "../support/room-messages.ts";
import { ask, askData, collect, connectStock } from "../support/stock-client.ts";
import { sessionId, uniqueRoom } from "../support/unique.ts";

// Who is in a room, on three instances: leaving, names, signals, and how many rooms a connection may be in.

let instances: Instances;
beforeAll(async () => {
  instances = await startInstances(3);
});
afterAll(async () => {
  const faults = instances.servers.flatMap(faultsOf);
  await instances[Symbol.asyncDispose]();
  expect(faults).toEqual([]);
});

const connect = (index: number) => connectStock(instances.url(index));

test.concurrent("leaving ends delivery, and may be repeated", async () => {
  const room = uniqueRoom();
  using publisher = await connect(0);
  using member = await connect(1);
  using published = collect(member, "message:published");
  await askData(member, "room:join", { room });
  await publish(publisher, room, "before");
  await published.waitFor(() => true, "the message before leaving");
  await askData(member, "room:leave", { room });
  await askData(member, "room:leave", { room });
  await publish(publisher, room, "after");
  await askData(member, "room:join", { room });
  await publish(publisher, room, "fence");
  await published.waitFor(({ messages }) => messages.some((message) => textOf(message) === "fence"), "the fence");
  expect(live(published, room).map(textOf)).toEqual(["before", "fence"]);
});

test.concurrent("a room may use every allowed character and every length", async () => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:@-";
  const rooms = [
    alphabet,
    "x",
    ".",
    "user:42@example.org",
    // The adapter takes a room of 20 characters for a socket's id; braces make 20 of 18.
    uniqueRoom().padEnd(20, "x").slice(0, 20),
    uniqueRoom().padEnd(18, "x").slice(0, 18),
    "y".repeat(128),
  ];
  using publisher = await connect(0);
  using member = await connect(1);
  using published = collect(member, "message:published");
  for (const room of rooms) {
    await askData(member, "room:join", { room });
    await publish(publisher, room, room);
    await published.waitFor((item) => item.room === room, `the message in ${room}`);
    expect(live(published, room).map(textOf)).toEqual([room]);
  }
});

test.concurrent("nobody reaches another connection by a room with the name of its id", async () => {
  const room = uniqueRoom();
  using victim = await connect(0);
  using stranger = await connect(0);
  using published = collect(victim, "message:published");
  using signals = collect(victim, "signal:sent");
  await askData(victim, "room:join", { room });
  // Socket.IO's ids may begin with a dash or underscore, which room names allow too.
  const named = victim.id ?? "";
  await askData(stranger, "room:join", { room: named });
  await publish(stranger, named, "for your eyes");
  await askData(stranger, "signal:send", { room: named, event: "chat:typing", data: {} });
  await publish(stranger, room, "fence");
  await published.waitFor((item) => item.room === room, "the fence");
  expect(published.items.map((item) => item.room)).toEqual([room]);
  expect(signals.items).toEqual([]);
});

test.concurrent("a signal reaches the others on all instances, not its sender, and is not stored", async () => {
  const room = uniqueRoom();
  const session = sessionId();
  using sender = await connectStock(instances.url(0), { session });
  using near = await connect(0);
  using far = await connect(1);
  const collected = [near, far, sender].map((socket) => collect(socket, "signal:sent"));
  using published = collect(sender, "message:published");
  for (const socket of [sender, near, far]) await askData(socket, "room:join", { room });
  expect(await askData(sender, "signal:send", { room, event: "chat:cursor", data: { x: 1, y: 2 } })).toEqual({});
  // The acknowledgement is optional.
  sender.emit("signal:send", { room, event: "chat:typing", data: {} });
  for (const socket of collected.slice(0, 2)) {
    await socket.waitFor(({ event }) => event === "chat:typing", "the second signal");
    expect(socket.items).toEqual([
      { room, event: "chat:cursor", data: { x: 1, y: 2 }, from: { user: null, session } },
      { room, event: "chat:typing", data: {}, from: { user: null, session } },
    ]);
  }
  await publish(near, room, "fence");
  await published.waitFor(() => true, "the fence");
  expect(collected[2]?.items).toEqual([]);
  const { messages } = await askData(sender, "history:read", { room });
  expect(messages.map(textOf)).toEqual(["fence"]);
});

test.concurrent("a signal reaches the members from outside the room as well, and needs an event of the contract's signals", async () => {
  const room = uniqueRoom();
  using member = await connect(0);
  using outsider = await connect(1);
  await askData(member, "room:join", { room });
  using heard = collect(member, "signal:sent");
  const signal = { room, event: "chat:typing", data: {} };
  expect(await ask(outsider, "signal:send", { ...signal, event: "chat:message" })).toMatchObject({
    error: { code: "UNKNOWN_EVENT" },
  });
  await askData(outsider, "signal:send", signal);
  await heard.waitFor((item) => item.room === room && item.event === "chat:typing", "the signal");
});

test.concurrent("a connection may be in 100 rooms, and in another one after it has left one", async () => {
  using socket = await connect(2);
  const rooms = Array.from({ length: 100 }, () => uniqueRoom());
  await Promise.all(rooms.map((room) => askData(socket, "room:join", { room })));
  const another = uniqueRoom();
  expect(await ask(socket, "room:join", { room: another })).toMatchObject({ error: { code: "ROOM_LIMIT" } });
  await askData(socket, "room:join", { room: rooms[0] ?? "" });
  await askData(socket, "room:leave", { room: rooms[1] ?? "" });
  await askData(socket, "room:join", { room: another });
});
