import { type AnyContract, type Client, connect } from "@holdfast/client";
import { expect, test } from "vitest";
import { refusal, type ScriptedServer, startScriptedServer } from "../support/scripted-server.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

const memberOf = (session: string) => ({ session, user: null, state: null, joinedAtMs: 1 });

/** The answer of a join with presence. */
const joinedAt = (version: string, ...sessions: string[]) => ({
  ok: true,
  data: {
    position: "0-0",
    recovered: true,
    messages: [],
    complete: true,
    members: sessions.map(memberOf),
    count: sessions.length,
    mode: "members",
    version,
  },
});

const payloads = (server: ScriptedServer, name: string) =>
  server.asked.filter((one) => one.name === name).map(({ payload }) => payload);

/** An answer that the test gives when its time has come. */
function held() {
  let answer: (data: unknown) => void = () => undefined;
  const promise = new Promise((resolve) => {
    answer = resolve;
  });
  return { promise, answer: (data: unknown) => answer(data) };
}

const ok = { ok: true, data: {} };

test("a join on another connection carries the newest state, and the version that the client knows", async () => {
  await using server = await startScriptedServer(({ name }) => (name === "room:join" ? joinedAt("a-7") : undefined));
  const name = uniqueRoom();
  const room = server.client.join(name, { presence: { name: "ann" } });
  await room.ready;
  await room.setPresence({ name: "bob" });
  server.cut();
  await waitFor(() => server.count("room:join") === 2, "the join after the cut");
  expect(payloads(server, "room:join")).toEqual([
    { room: name, presence: { name: "ann" } },
    { room: name, since: "0-0", presence: { name: "bob" }, version: "a-7" },
  ]);
});

test("a handle that joins without a state takes none away, on the next connection neither", async () => {
  await using server = await startScriptedServer(({ name }) => (name === "room:join" ? joinedAt("a-1") : undefined));
  const name = uniqueRoom();
  await server.client.join(name, { presence: { name: "ann" } }).ready;
  await server.client.join(name, { presence: true }).ready;
  server.cut();
  await waitFor(() => server.count("room:join") > 2, "the joins after the cut");
  await server.client.join(uniqueRoom("fence")).ready;
  const again = payloads(server, "room:join").slice(2, -1);
  expect(again).toEqual(again.map(() => ({ room: name, since: "0-0", presence: { name: "ann" }, version: "a-1" })));
});

test("a state that is set while the room is being joined is told behind the join, and a refusal is tried again", async () => {
  const join = held();
  await using server = await startScriptedServer(({ name }, count) => {
    if (name === "room:join") return join.promise;
    return name === "presence:update" && count === 1 ? refusal("UNAVAILABLE", 10) : undefined;
  });
  const name = uniqueRoom();
  const room = server.client.join(name, { presence: { name: "ann" } });
  await waitFor(() => server.count("room:join") === 1, "the join");
  const set = room.setPresence({ name: "bob" });
  join.answer(joinedAt("a-1"));
  await Promise.all([room.ready, set]);
  const update = { room: name, state: { name: "bob" } };
  expect(payloads(server, "presence:update")).toEqual([update, update]);
});

test("of many states that are set at once the last one counts, in a few updates", async () => {
  await using server = await startScriptedServer(({ name }) => (name === "room:join" ? joinedAt("a-1") : undefined));
  const room = server.client.join(uniqueRoom(), { presence: { name: "ann" } });
  await room.ready;
  await Promise.all(Array.from({ length: 100 }, (_, at) => room.setPresence({ name: `${at}` })));
  const updates = payloads(server, "presence:update");
  expect(updates.length).toBeLessThan(10);
  expect(updates.at(-1)).toMatchObject({ state: { name: "99" } });
});

test("a state that is refused gives way to the one before it, which was not sent yet", async () => {
  const first = held();
  await using server = await startScriptedServer(({ name }, count) => {
    if (name === "room:join") return joinedAt("a-1");
    if (name === "presence:update" && count === 1) return first.promise;
    const refused = { ok: false, error: { code: "INVALID_PAYLOAD", message: "wrong", retryable: false } };
    return name === "presence:update" && count === 2 ? refused : undefined;
  });
  const room = server.client.join(uniqueRoom(), { presence: { name: "ann" } });
  await room.ready;
  const states = ["1", "2", "wrong"].map((name) => room.setPresence({ name }));
  const outcomes = Promise.allSettled(states);
  await waitFor(() => server.count("presence:update") === 1, "the first update");
  first.answer(ok);
  const [, second, wrong] = await outcomes;
  expect([second?.status, wrong]).toMatchObject(["fulfilled", { reason: { code: "INVALID_PAYLOAD" } }]);
  expect(payloads(server, "presence:update")).toMatchObject(["1", "wrong", "2"].map((name) => ({ state: { name } })));
});

test("a handle that leaves while it joins as a member leaves no member behind, though another keeps the room", async () => {
  const join = held();
  await using server = await startScriptedServer(({ name }, count) =>
    name === "room:join" && count === 2 ? join.promise : undefined,
  );
  const name = uniqueRoom();
  const staying = server.client.join(name);
  await staying.ready;
  const leaving = server.client.join(name, { presence: { name: "ann" } });
  await waitFor(() => server.count("room:join") === 2, "the join as a member");
  await leaving.leave();
  join.answer(joinedAt("a-1"));
  await waitFor(() => server.count("presence:update") === 1, "the end of the membership");
  expect(payloads(server, "presence:update")).toEqual([{ room: name, state: null }]);
  expect([server.count("room:leave"), staying.status]).toEqual([0, "joined"]);
});

test("a handle whose state is refused joins no more, whether another one waits for its turn or not", async () => {
  const refused = held();
  await using server = await startScriptedServer(({ name, payload }) => {
    if (name !== "room:join") return undefined;
    return JSON.stringify(payload).includes("wrong") ? refused.promise : joinedAt("a-1");
  });
  const name = uniqueRoom();
  const wrong = server.client.join(name, { presence: { name: "wrong" } });
  const waiting = server.client.join(name, { presence: { name: "waits" } });
  const errors: string[] = [];
  wrong.on("error", ({ code }) => errors.push(code));
  await waitFor(() => server.count("room:join") === 1, "the join");
  await waiting.leave();
  refused.answer({ ok: false, error: { code: "INVALID_PAYLOAD", message: "wrong", retryable: false } });
  await expect(wrong.ready).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
  await server.client.join(uniqueRoom("fence"), { presence: true }).ready;
  expect([payloads(server, "room:join").length, errors]).toEqual([2, ["INVALID_PAYLOAD"]]);
});

test("a state that is no JSON refuses its handle, and asks the server for nothing", async () => {
  await using server = await startScriptedServer(({ name }) => (name === "room:join" ? joinedAt("a-1") : undefined));
  const name = uniqueRoom();
  const anyClient = server.client as unknown as Client<AnyContract>;
  const room = anyClient.join(name, { presence: { size: 1n } });
  room.on("error", () => undefined);
  await expect(room.ready).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
  const plain = anyClient.join(name);
  await plain.ready;
  // A handle that asks for a state later shows the members from then on.
  expect(plain.count).toBeUndefined();
  await plain.setPresence({ size: 1 });
  expect([plain.count, payloads(server, "room:join")]).toEqual([
    0,
    [{ room: name }, { room: name, since: "0-0", presence: null }],
  ]);
  expect(payloads(server, "presence:update")).toEqual([{ room: name, state: { size: 1 } }]);
});

test("a list of other data than its first page begins anew, and what came meanwhile is told behind it", async () => {
  const last = held();
  const pages = [
    { members: [memberOf("gone")], count: 2, mode: "members", version: "b-5", cursor: "b:7" },
    { members: [memberOf("one")], count: 3, mode: "members", version: "c-1", cursor: "c:9" },
  ];
  await using server = await startScriptedServer(({ name }, count) => {
    if (name === "room:join") return joinedAt("a-1", "one");
    if (name !== "presence:list") return undefined;
    return pages[count - 1] ? { ok: true, data: pages[count - 1] } : last.promise;
  });
  const name = uniqueRoom();
  const room = server.client.join(name, { presence: null });
  const told: unknown[] = [];
  room.on("members", ({ joined, left }) => told.push([joined, left].map((list) => list.map(({ session }) => session))));
  await room.ready;
  const change = { room: name, joined: [], updated: [], left: [], count: 2, mode: "members" };
  server.tell("presence:changed", { ...change, version: "c-1", previous: "c-0" });
  await waitFor(() => server.count("presence:list") === 3, "three pages");
  server.tell("presence:changed", { ...change, version: "c-2", previous: "c-1", left: ["two"] });
  await server.client.join(uniqueRoom("fence")).ready;
  const members = ["two", "three"].map(memberOf);
  last.answer({ ok: true, data: { members, count: 3, mode: "members", version: "c-2" } });
  await waitFor(() => told.length === 2, "the list");
  expect(told).toEqual([
    [["one"], []],
    [["three"], []],
  ]);
  expect([[...room.members.keys()], room.count]).toEqual([["one", "three"], 2]);
  expect(payloads(server, "presence:list")).toEqual([
    { room: name },
    { room: name, cursor: "b:7" },
    { room: name, cursor: "c:9" },
  ]);
});

test("a client that closes leaves the rooms where it is a member, and does not wait for ever", async () => {
  await using server = await startScriptedServer(({ name }) => {
    if (name === "room:join") return joinedAt("a-1");
    return name === "room:leave" ? new Promise(() => undefined) : undefined;
  });
  const { client } = server;
  const name = uniqueRoom();
  await client.join(name, { presence: true }).ready;
  await client.join(uniqueRoom()).ready;
  await client.close();
  expect(payloads(server, "room:leave")).toEqual([{ room: name }]);
});

test("a handle that ends before its part of the client is loaded joins nothing", async () => {
  await using server = await startScriptedServer();
  await server.client.join(uniqueRoom("fence")).ready;
  const name = uniqueRoom();
  const room = server.client.join(name, { presence: { name: "ann" } });
  const set = expect(room.setPresence({ name: "bob" })).rejects.toMatchObject({ code: "CLOSED" });
  await room.leave();
  await set;
  await server.client.join(uniqueRoom("fence"), { presence: true }).ready;
  expect(payloads(server, "room:join").filter(({ room: joined }) => joined === name)).toEqual([]);
  const closed = connect<AnyContract>("http://127.0.0.1:1");
  await closed.close();
  await expect(closed.join(name, { presence: true }).setPresence({})).rejects.toMatchObject({ code: "CLOSED" });
});
