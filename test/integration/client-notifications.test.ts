import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { record } from "../support/client-rig.ts";
import { publishedBatch, startScriptedServer } from "../support/scripted-server.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

/** What was thrown out of every handler, which ends a Node.js process that does not look at it. */
const uncaught: unknown[] = [];
const note = (error: unknown) => void uncaught.push(error);
let reported: ReturnType<typeof vi.spyOn>;

beforeEach(() => {
  uncaught.length = 0;
  reported = vi.spyOn(console, "error").mockImplementation(() => undefined);
  process.on("uncaughtException", note);
});
afterEach(() => {
  process.off("uncaughtException", note);
  reported.mockRestore();
});

const published = (room: string, text: string, seq: number) => publishedBatch(room, [text], 7, seq);

test("whatever a newer server tells is ignored, with a payload or without", async () => {
  await using server = await startScriptedServer();
  const name = uniqueRoom();
  const room = server.client.join(name);
  const recording = record(room);
  await room.ready;
  const payloads = [[], [null], [7], ["text"], [[]], [{}], [{ room: name }], [{ room: 7 }], [{ room: null }]];
  for (const payload of payloads) server.tell("room:renamed", ...payload);
  // Nothing in it is taken for what it would mean in a notification of today.
  server.tell("room:renamed", { ...published(name, "not told", 0), position: "9-9" });
  server.tell("room:renamed", { room: name, event: "chat:typing", data: {}, from: { user: null, session: null } });
  server.tell("message:published", published(name, "fence", 0));
  await recording.has("fence");
  expect(recording.texts()).toEqual(["fence"]);
  expect(server.count("history:read")).toBe(0);
  expect(uncaught).toEqual([]);
  expect(reported).not.toHaveBeenCalled();
});

const noPayload = [[], [null], [7], ["text"], [[]], [{}]] as const;
const malformed = (room: string): readonly (readonly [name: string, ...args: unknown[]])[] => [
  ...["message:published", "room:position", "signal:sent"].flatMap((name) => [
    ...noPayload.map((payload) => [name, ...payload] as const),
    [name, { room }] as const,
  ]),
  ["message:published", { room, messages: 7 }],
  ["message:published", { room, messages: [null] }],
  ["message:published", { room, messages: [{}] }],
  ["message:published", { room, messages: [{ position: 7 }] }],
  ["message:published", { room, previous: 7, messages: [{ position: "seven" }] }],
  ["message:published", { ...publishedBatch(room, ["not told"]), previous: 7 }],
  ["room:position", { room, position: 7 }],
  ["room:position", { room, position: null }],
  ["signal:sent", { room, event: 7 }],
];

test("a notification that is not what the protocol says throws nothing and does not keep what follows", async () => {
  await using server = await startScriptedServer();
  const name = uniqueRoom();
  const room = server.client.join(name);
  const recording = record(room);
  await room.ready;
  for (const [index, told] of malformed(name).entries()) {
    server.tell(...told);
    server.tell("message:published", published(name, `after ${index}`, index));
    await recording.has(`after ${index}`);
  }
  expect(recording.gaps).toEqual([]);
  expect(uncaught).toEqual([]);
});

test("nor does one that comes before the room is joined", async () => {
  let answerJoin: (answer: unknown) => void = () => undefined;
  await using server = await startScriptedServer(({ name }) =>
    name === "room:join"
      ? new Promise((answer) => {
          answerJoin = answer;
        })
      : undefined,
  );
  const name = uniqueRoom();
  const room = server.client.join(name);
  const recording = record(room);
  await waitFor(() => server.count("room:join") === 1, "the join");
  for (const told of malformed(name)) server.tell(...told);
  server.tell("message:published", publishedBatch(name, ["before the answer"]));
  answerJoin({ ok: true, data: { position: "0-0", recovered: true, messages: [], complete: true } });
  await room.ready;
  server.tell("message:published", publishedBatch(name, ["fence"], 7, 1));
  await recording.has("fence");
  expect(recording.texts()).toEqual(["before the answer", "fence"]);
  expect(uncaught).toEqual([]);
});
