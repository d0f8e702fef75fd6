import { afterAll, beforeAll, expect, test } from "vitest";
import { comparePositions, type Position, START } from "../../client/src/protocol/index.ts";
import { faultsOf, type Instances, startInstances } from "../support/instances.ts";
import { live, positionOf, publish, textOf } from "../support/room-messages.ts";
import { ask, askData, type Collected, collect, connectStock, type StockSocket } from "../support/stock-client.ts";
import { messageId, sessionId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

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

test.concurrent("400 concurrent publishes from two instances arrive in one order on three", async () => {
  const room = uniqueRoom();
  const members = await Promise.all([connect(0), connect(1), connect(2)]);
  const [first, second] = members;
  if (first === undefined || second === undefined) throw new Error("expected three members");
  const collected = members.map((member) => collect(member, "message:published"));
  try {
    await Promise.all(members.map((member) => askData(member, "room:join", { room })));
    const answers = await Promise.all(
      Array.from({ length: 400 }, (_, index) => publish(index % 2 === 0 ? first : second, room, `${index}`)),
    );
    const order = answers.map(({ position }) => position).sort(comparePositions);
    for (const member of collected) {
      await waitFor(() => live(member, room).length >= 400, "400 messages on each instance");
      expect(live(member, room).map(positionOf)).toEqual(order);
    }
    const { messages } = await askData(first, "history:read", { room, after: START });
    expect(messages).toEqual(live(collected[2] as Collected<"message:published">, room));
    expect(messages.map(positionOf)).toEqual(order);
    // What one connection sent keeps its order.
    expect(messages.map(textOf).filter((text) => Number(text) % 2 === 0)).toEqual(
      Array.from({ length: 200 }, (_, index) => `${2 * index}`),
    );
  } finally {
    for (const member of members) member.disconnect();
  }
});

test.concurrent("nothing is lost at the instant of a join's acknowledgement, 300 times over", async () => {
  const rooms = Array.from({ length: 300 }, () => uniqueRoom());
  using publisher = await connect(0);
  // A connection may be in 100 rooms.
  const members = await Promise.all([connect(1), connect(2), connect(1)]);
  const collected = members.map((member) => collect(member, "message:published"));
  try {
    await Promise.all(
      rooms.map(async (room, index) => {
        const member = members[index % 3] as StockSocket;
        await askData(member, "room:join", { room });
        await publish(publisher, room, "right after the join");
      }),
    );
    const arrived = () => collected.flatMap(({ items }) => items.map(({ room }) => room));
    await waitFor(() => arrived().length >= 300, "a message in each of the 300 rooms");
    expect(arrived().sort()).toEqual([...rooms].sort());
  } finally {
    for (const member of members) member.disconnect();
  }
});

test.concurrent("a member that joins while the last one leaves misses nothing", async () => {
  using publisher = await connect(0);
  using member = await connect(1);
  using published = collect(member, "message:published");
  const rooms = Array.from({ length: 90 }, () => uniqueRoom());
  await Promise.all(
    rooms.map(async (room) => {
      await askData(member, "room:join", { room });
      // Both in one packet train: the instance unsubscribes and, before that is done, has a member again.
      const left = askData(member, "room:leave", { room });
      await askData(member, "room:join", { room });
      await publish(publisher, room, "after the return");
      await left;
    }),
  );
  const arrived = () => rooms.filter((room) => live(published, room).length === 1);
  await waitFor(
    () => arrived().length === rooms.length,
    "a message in each of the rooms, well before a position check",
  );
});

test.concurrent("a message published during a join is in its answer, arrives live, or both", async () => {
  using publisher = await connect(0);
  using member = await connect(1);
  using published = collect(member, "message:published");
  for (let round = 0; round < 10; round += 1) {
    const rooms = Array.from({ length: 10 }, () => uniqueRoom());
    await Promise.all(
      rooms.map(async (room) => {
        const [{ messages }, { position }] = await Promise.all([
          askData(member, "room:join", { room, since: START }),
          publish(publisher, room, "during the join"),
        ]);
        const known = () => [...messages, ...live(published, room)].map(positionOf);
        await waitFor(() => known().includes(position), `the message at ${position} in ${room}`);
        await askData(member, "room:leave", { room });
      }),
    );
  }
});

test.concurrent("a session resumes on another instance with everything that it missed", async () => {
  const room = uniqueRoom();
  const session = sessionId();
  using publisher = await connect(0);
  const before = await connectStock(instances.url(1), { session });
  await askData(before, "room:join", { room });
  const { position } = await publish(publisher, room, "seen");
  before.disconnect();
  const missed: Position[] = [];
  for (let index = 0; index < 30; index += 1) missed.push((await publish(publisher, room, `missed ${index}`)).position);
  using after = await connectStock(instances.url(2), { session });
  const answer = await askData(after, "room:join", { room, since: position });
  expect(answer).toMatchObject({ recovered: true, complete: true, position: missed.at(-1) });
  expect(answer.messages.map(positionOf)).toEqual(missed);
});

test.concurrent("a client that is far behind reads page after page", async () => {
  const room = uniqueRoom();
  using publisher = await connect(0);
  const texts = Array.from({ length: 800 }, (_, index) => `${index}`);
  await Promise.all(texts.map((text) => publish(publisher, room, text)));
  using member = await connect(2);
  const { messages, complete, recovered } = await askData(member, "room:join", { room, since: START });
  expect({ recovered, complete, count: messages.length }).toEqual({ recovered: true, complete: false, count: 500 });
  const after = messages.at(-1)?.position ?? START;
  const rest = await askData(member, "history:read", { room, after });
  expect(rest).toMatchObject({ recovered: true, complete: true });
  expect([...messages, ...rest.messages].map(textOf)).toEqual(texts);
});

test.concurrent("a join asks for the newest messages, and for none by default", async () => {
  const room = uniqueRoom();
  using member = await connect(1);
  for (const text of ["one", "two", "three"]) await publish(member, room, text);
  const some = await askData(member, "room:join", { room, history: 2 });
  expect(some.messages.map(textOf)).toEqual(["two", "three"]);
  const none = await askData(member, "room:join", { room });
  expect(none).toMatchObject({ messages: [], recovered: true, complete: true, position: some.position });
});

test.concurrent("a message repeated over other instances is stored and delivered once", async () => {
  const room = uniqueRoom();
  const sockets = await Promise.all([connect(0), connect(1), connect(2)]);
  const [first, second, third] = sockets as [StockSocket, StockSocket, StockSocket];
  using published = collect(third, "message:published");
  try {
    await askData(third, "room:join", { room });
    const id = messageId();
    const answers = await Promise.all(sockets.map((socket) => publish(socket, room, "once", { id })));
    expect(answers.filter(({ duplicate }) => !duplicate)).toHaveLength(1);
    expect(new Set(answers.map(({ position }) => position)).size).toBe(1);
    expect(await publish(second, room, "again", { id })).toEqual({ position: answers[0]?.position, duplicate: true });
    await publish(first, room, "fence");
    await published.waitFor(({ messages }) => messages.some((message) => textOf(message) === "fence"), "the fence");
    expect(live(published, room).map(textOf)).toEqual(["once", "fence"]);
  } finally {
    for (const socket of sockets) socket.disconnect();
  }
});

test.concurrent("a pipeline in which one publish is missing stores nothing out of order", async () => {
  const room = uniqueRoom();
  using socket = await connect(0);
  const [first, second, third] = [messageId(), messageId(), messageId()];
  await publish(socket, room, "first", { id: first });
  const orphan = { room, id: third, event: "chat:message", data: { text: "third" }, after: second };
  expect(await ask(socket, "message:publish", orphan)).toMatchObject({
    ok: false,
    error: { code: "OUT_OF_ORDER", retryable: true },
  });
  const answers = await Promise.all([
    publish(socket, room, "second", { id: second, after: first }),
    publish(socket, room, "third", { id: third, after: second }),
  ]);
  expect(answers.map(({ duplicate }) => duplicate)).toEqual([false, false]);
  const { messages } = await askData(socket, "history:read", { room });
  expect(messages.map(textOf)).toEqual(["first", "second", "third"]);
});
