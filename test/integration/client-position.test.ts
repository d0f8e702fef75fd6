import type { Position } from "@holdfast/client";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { ChatRoom } from "../support/chat.ts";
import { numbered, type Rig, record, startRig } from "../support/client-rig.ts";
import { publishedBatch, startScriptedServer } from "../support/scripted-server.ts";
import { uniqueRoom } from "../support/unique.ts";

let rig: Rig;
beforeAll(async () => {
  rig = await startRig();
});
afterEach(() => rig.closeClients());
afterAll(() => rig[Symbol.asyncDispose]());

/** Publishes m0 to m4 into a fresh room; gives back their positions. */
async function fill(name: string): Promise<Position[]> {
  const writer = rig.connect().join(name);
  const stored = await Promise.all(numbered(0, 5).map((text) => writer.publish("chat:message", { text })));
  return stored.map(({ position }) => position);
}

/** Calls `handle` with each message's text, in handlers of both of its events; gives back what was told by now. */
function recordBoth(room: ChatRoom, handle: (text: string) => void): string[] {
  const told: string[] = [];
  room.on("message", ({ data }) => handle((data as { text: string }).text));
  room.on("chat:message", ({ text }) => told.push(text));
  return told;
}

test("a position is passed when the handlers of its message have run", async () => {
  const name = uniqueRoom();
  const positions = await fill(name);
  const room = rig.connect().join(name, { history: 4 });
  const seen: (Position | undefined)[] = [];
  room.on("message", () => seen.push(room.position));
  room.on("chat:message", () => seen.push(room.position));
  await room.ready;
  const [, first, second, third, last] = positions;
  expect(seen.slice(2)).toEqual([first, first, second, second, third, third]);
  expect(room.position).toBe(last);
});

test("a handler that leaves the room in the middle of a page gets no more messages, and the position stays where it left", async () => {
  const name = uniqueRoom();
  const positions = await fill(name);
  const client = rig.connect();
  const room = client.join(name, { history: 5 });
  let leaving: Promise<void> | undefined;
  const told = recordBoth(room, (text) => {
    if (text === "m2") leaving = room.leave();
  });
  await room.ready.catch(() => undefined);
  await leaving;
  expect(told).toEqual(["m0", "m1", "m2"]);
  expect(room.position).toBe(positions[2]);

  const again = client.join(name, { since: positions[2] ?? "0-0" });
  const recording = record(again);
  await again.publish("chat:message", { text: "fence" });
  await recording.has("fence");
  expect(recording.texts()).toEqual(["m3", "m4", "fence"]);
  expect(recording.gaps).toEqual([]);
  expect(told).toEqual(["m0", "m1", "m2"]);
});

test("a handler that leaves the room in the middle of a live batch gets no more messages of it", async () => {
  await using server = await startScriptedServer();
  const name = uniqueRoom();
  const room = server.client.join(name);
  await room.ready;
  const left = new Promise<void>((resolve, reject) => {
    room.on("message", ({ position }) => {
      if (position === "7-1") room.leave().then(resolve, reject);
    });
  });
  const recording = record(room);
  server.tell("message:published", publishedBatch(name, ["m0", "m1", "m2", "m3"]));
  await left;
  expect(recording.texts()).toEqual(["m0", "m1"]);
  expect(room.position).toBe("7-1");
});

test("a handler that leaves and joins again gets a new room, which goes on behind the last message that was handled", async () => {
  const name = uniqueRoom();
  const positions = await fill(name);
  const client = rig.connect();
  const room = client.join(name, { history: 5 });
  let again: ReturnType<typeof record> | undefined;
  let leaving: Promise<void> | undefined;
  const told = recordBoth(room, (text) => {
    if (text !== "m2") return;
    expect(room.position).toBe(positions[1]);
    leaving = room.leave();
    const next = client.join(name, { since: room.position ?? "0-0" });
    expect(next).not.toBe(room);
    expect(next.position).toBe(positions[1]);
    again = record(next);
    void next.publish("chat:message", { text: "fence" });
  });
  await room.ready.catch(() => undefined);
  await leaving;
  await again?.has("fence");
  expect(told).toEqual(["m0", "m1", "m2"]);
  expect(again?.texts()).toEqual(["m2", "m3", "m4", "fence"]);
  expect(again?.gaps).toEqual([]);
});

test("an own message that was acknowledged and that the log has lost since is told as a gap", async () => {
  await using server = await startScriptedServer(({ name }) =>
    name === "message:publish" ? { ok: true, data: { position: "7-0", duplicate: false } } : undefined,
  );
  const name = uniqueRoom();
  const room = server.client.join(name);
  const recording = record(room);
  await room.ready;
  await room.publish("chat:message", { text: "lost" });
  // The log goes on without it in its next life.
  server.tell("message:published", publishedBatch(name, ["fence"], 8));
  await recording.has("fence");
  expect(recording.texts()).toEqual(["fence"]);
  expect(recording.gaps).toEqual([{ after: "0-0", position: "8-0" }]);
});
