import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { numbered, type Rig, record, startRig } from "../support/client-rig.ts";
import { publishedBatch, refusal, startScriptedServer } from "../support/scripted-server.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterEach(() => rig.closeClients());
afterAll(() => rig[Symbol.asyncDispose]());

test("two handles of a room hear everything, each with its own handlers", async () => {
  const name = uniqueRoom();
  const client = rig.connect();
  const first = client.join(name);
  const second = client.join(name);
  expect(second).not.toBe(first);
  const recordings = [record(first), record(second)];
  await Promise.all([first.ready, second.ready]);
  await first.publish("chat:message", { text: "of the first" });
  await second.publish("chat:message", { text: "of the second" });
  for (const { has } of recordings) await has("of the second");
  for (const { texts } of recordings) expect(texts()).toEqual(["of the first", "of the second"]);
});

test("a handle that leaves takes nothing from the other one, and hears nothing more itself", async () => {
  const name = uniqueRoom();
  const client = rig.connect();
  const leaving = client.join(name);
  const staying = client.join(name);
  const [left, stayed] = [record(leaving), record(staying)];
  await Promise.all([leaving.ready, staying.ready]);
  await leaving.leave();
  expect([leaving.status, staying.status]).toEqual(["left", "joined"]);
  await staying.publish("chat:message", { text: "still here" });
  await stayed.has("still here");
  expect(left.texts()).toEqual([]);
  await expect(leaving.publish("chat:message", { text: "too late" })).rejects.toMatchObject({ code: "CLOSED" });
  await expect(leaving.publish("chat:message", { text: "too late" })).rejects.toMatchObject({ code: "CLOSED" });
  expect(client.waiting).toBe(0);
});

test("what a handle published before it left rejects, and what another one published behind it is stored", async () => {
  const name = uniqueRoom();
  const client = rig.connect();
  const leaving = client.join(name);
  const staying = client.join(name);
  const recording = record(staying);
  await staying.ready;
  rig.relay.blackhole();
  const given = expect(leaving.publish("chat:message", { text: "given up" })).rejects.toMatchObject({ code: "CLOSED" });
  const kept = staying.publish("chat:message", { text: "kept" });
  await leaving.leave();
  await given;
  rig.relay.heal();
  await kept;
  await recording.has("kept");
  // It had been sent: nobody knows whether it is stored, and where it is, it comes first.
  expect(recording.texts().filter((text) => text !== "given up")).toEqual(["kept"]);
});

test("the room is left with the last handle", async () => {
  await using server = await startScriptedServer();
  const name = uniqueRoom();
  const handles = [server.client.join(name), server.client.join(name), server.client.join(name)];
  await Promise.all(handles.map(({ ready }) => ready));
  for (const handle of handles.slice(1)) await handle.leave();
  await handles[1]?.leave();
  await server.client.join(uniqueRoom("fence")).ready;
  expect(server.count("room:leave")).toBe(0);
  await handles[0]?.leave();
  expect(server.count("room:leave")).toBe(1);
});

test("a handle that leaves while a message is told hears that message to its end, and a handle that another one ends hears nothing", async () => {
  const name = uniqueRoom();
  const client = rig.connect();
  const [first, second] = [client.join(name), client.join(name)];
  const heard: string[] = [];
  first.on("message", () => {
    heard.push("first");
    void first.leave();
    void second.leave();
  });
  first.on("chat:message", () => heard.push("first, by its name"));
  second.on("message", () => heard.push("second"));
  await Promise.all([first.ready, second.ready]);
  const other = rig.connect().join(name);
  for (const text of ["one", "two"]) await other.publish("chat:message", { text });
  await waitFor(() => heard.length > 0, "the message");
  await client.join(uniqueRoom("fence")).ready;
  expect(heard).toEqual(["first", "first, by its name"]);
});

test("a later handle gets the history that it asked for and goes on from there, without a hole or a repeat", async () => {
  const name = uniqueRoom();
  const client = rig.connect();
  const first = client.join(name);
  const early = record(first);
  const publisher = rig.connect().join(name);
  for (const text of numbered(0, 10)) await publisher.publish("chat:message", { text });
  await early.has("m9");
  // Messages go on arriving while the later handles join.
  const more = Promise.all(numbered(10, 60).map((text) => publisher.publish("chat:message", { text })));
  const later = [client.join(name, { history: 3 }), client.join(name, { history: 3 })].map(record);
  const plain = client.join(name);
  const rest = record(plain);
  await Promise.all([plain.ready, more]);
  await publisher.publish("chat:message", { text: "end" });
  for (const recording of [early, rest, ...later]) await recording.has("end");
  const all = [...numbered(0, 60), "end"];
  expect(early.texts()).toEqual(all);
  for (const { texts } of later) {
    expect(texts().length).toBeGreaterThanOrEqual(4);
    expect(texts()).toEqual(all.slice(-texts().length));
  }
  expect(rest.texts()).toEqual(all.slice(-rest.texts().length));
  expect(early.messages.some(({ replayed }) => replayed)).toBe(false);
  expect(later[0]?.messages[0]?.replayed).toBe(true);
});

test("each handle loads its own state, and only what comes after it is delivered to that handle", async () => {
  const name = uniqueRoom();
  const client = rig.connect();
  const first = client.join(name);
  const early = record(first);
  await first.publish("chat:message", { text: "before" });
  let finish: () => void = () => undefined;
  const positions: string[] = [];
  const loading = client.join(name, {
    load: ({ position }) => {
      positions.push(position);
      return new Promise<void>((resolve) => {
        finish = resolve;
      });
    },
  });
  const loaded = record(loading);
  await waitFor(() => positions.length === 1, "the load");
  await first.publish("chat:message", { text: "meanwhile" });
  await early.has("meanwhile");
  expect(loaded.texts()).toEqual([]);
  finish();
  await loading.ready;
  await loaded.has("meanwhile");
  expect(loaded.texts()).toEqual(["meanwhile"]);
  expect(positions).toEqual([early.messages[0]?.position]);
});

test("handles that stand at one place ask once after a cut, and all of them get what was missed", async () => {
  const name = uniqueRoom();
  const missed = publishedBatch(name, ["missed"]).messages;
  let isCut = false;
  await using server = await startScriptedServer(({ name: request }) => {
    if (request !== "room:join" || !isCut) return undefined;
    return { ok: true, data: { position: "7-0", recovered: true, messages: missed, complete: true } };
  });
  const handles = [server.client.join(name), server.client.join(name), server.client.join(name)];
  const recordings = handles.map(record);
  await Promise.all(handles.map(({ ready }) => ready));
  const joins = server.count("room:join");
  isCut = true;
  server.cut();
  for (const { has } of recordings) await has("missed");
  expect(server.count("room:join") - joins).toBe(1);
});

test("a handle that asks after something was told does not take the answer to an earlier question", async () => {
  const name = uniqueRoom();
  const answers: ((answer: unknown) => void)[] = [];
  await using server = await startScriptedServer(({ name: request, payload }) =>
    request === "room:join" && payload.room === name ? new Promise((answer) => answers.push(answer)) : undefined,
  );
  let isTold = false;
  server.client.join(name).on("chat:typing", () => {
    isTold = true;
  });
  await waitFor(() => answers.length === 1, "the first join");
  server.tell("message:published", publishedBatch(name, ["told"]));
  server.tell("signal:sent", { room: name, event: "chat:typing", data: {}, from: { user: null, session: null } });
  await waitFor(() => isTold, "the signal behind the message");
  const second = server.client.join(name);
  await waitFor(() => answers.length === 2, "a join of its own");
  answers[0]?.(refusal("UNAVAILABLE", 600_000));
  answers[1]?.({ ok: true, data: { position: "7-0", recovered: true, messages: [], complete: true } });
  await second.ready;
  expect(second.position).toBe("7-0");
});

test("a handle that the server refuses for good ends alone", async () => {
  const name = uniqueRoom();
  const client = rig.connect();
  const good = client.join(name);
  const bad = client.join(name, { history: 1000 });
  await expect(bad.ready).rejects.toMatchObject({ code: "INVALID_PAYLOAD" });
  expect(bad.status).toBe("left");
  const recording = record(good);
  await good.publish("chat:message", { text: "unharmed" });
  await recording.has("unharmed");
  expect(good.status).toBe("joined");
});

test("the handles of a room that the connection is moved away from all go on", async () => {
  await using two = await startRig({ servers: 2 });
  const name = uniqueRoom();
  const client = two.connect();
  const handles = [client.join(name), client.join(name, { history: 1 })];
  const recordings = handles.map(record);
  await Promise.all(handles.map(({ ready }) => ready));
  const [first, second] = two.servers;
  if (!first || !second) throw new Error("expected two servers");
  two.relay.targetPort = second.port;
  const states: string[] = [];
  client.on("status", (status) => states.push(status));
  first.signal("SIGTERM");
  await waitFor(() => states.join() === "moving,connected", "the move");
  await handles[0]?.publish("chat:message", { text: "moved" });
  for (const recording of recordings) {
    await recording.has("moved");
    expect(recording.texts()).toEqual(["moved"]);
  }
});

test("a room's status follows its connection", async () => {
  const client = rig.connect();
  const room = client.join(uniqueRoom());
  expect(room.status).toBe("joining");
  await room.ready;
  expect(room.status).toBe("joined");
  rig.relay.blackhole();
  rig.relay.cutAll({ reset: true });
  rig.relay.heal();
  await waitFor(() => client.status === "reconnecting", "the client to notice the cut");
  expect(room.status).toBe("joining");
  await waitFor(() => room.status === "joined", "the room to be joined again");
  await client.close();
  expect(room.status).toBe("left");
});
