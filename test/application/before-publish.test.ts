import { RequestError } from "@holdfast/server";
import { expect, test } from "vitest";
import { deferred, refusal, startRig } from "../support/application-rig.ts";
import { ask } from "../support/stock-client.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

const textOf = (data: unknown) => (data as { text: string }).text;
const note = (room: string, text: string, id = messageId()) => ({ room, id, event: "note:added", data: { text } });
const texts = (messages: readonly { data: unknown }[]) => messages.map(({ data }) => textOf(data));

test("beforePublish keeps what it returns nothing for, and changes what it returns other data for", async () => {
  const attempts: unknown[] = [];
  await using rig = await startRig({
    beforePublish: (attempt, context) => {
      attempts.push({ ...attempt, hasServer: context.server === rig.server, aborted: context.signal.aborted });
      return textOf(attempt.data) === "shout" ? { text: "SHOUT" } : undefined;
    },
  });
  const client = rig.connect();
  const name = uniqueRoom();
  const room = client.join(name);
  const delivered: string[] = [];
  room.on("note:added", ({ text }) => delivered.push(text));
  await room.publish("note:added", { text: "keep" });
  await room.publish("note:added", { text: "shout" });
  await waitFor(() => delivered.length === 2, "two messages");
  expect(delivered).toEqual(["keep", "SHOUT"]);
  expect(attempts[0]).toEqual({
    room: name,
    id: expect.any(String),
    event: "note:added",
    data: { text: "keep" },
    user: null,
    session: client.session,
    hasServer: true,
    aborted: false,
  });
});

test("beforePublish refuses with the code and the message of a RequestError, and nothing is stored", async () => {
  await using rig = await startRig({
    beforePublish: () => {
      throw new RequestError("FORBIDDEN", "this room is closed for the night");
    },
  });
  const room = rig.connect().join(uniqueRoom());
  expect(await refusal(room.publish("note:added", { text: "hi" }))).toMatchObject({
    code: "FORBIDDEN",
    message: "this room is closed for the night",
  });
  expect((await rig.server.history(room.name)).messages).toEqual([]);
  expect(rig.logged).toEqual([]);
});

test("whatever else beforePublish throws is INTERNAL and logged, and its text stays on the server", async () => {
  await using rig = await startRig({ beforePublish: () => Promise.reject(new Error("the database said no")) });
  const answer = await ask(await rig.stock(), "message:publish", note(uniqueRoom(), "hi"));
  expect(answer).toMatchObject({ ok: false, error: { code: "INTERNAL" } });
  expect(JSON.stringify(answer)).not.toContain("database");
  expect(rig.logged).toMatchObject([{ level: "error", fields: { err: { message: "the database said no" } } }]);
});

test.each([
  ["a function", () => () => 7],
  ["binary data", () => new Uint8Array(3)],
  ["a number beyond JSON", () => 7n],
])("beforePublish that returns %s is the application's fault: INTERNAL, and nothing is stored", async (_, value) => {
  await using rig = await startRig({ beforePublish: value });
  const room = uniqueRoom();
  const answer = await ask(await rig.stock(), "message:publish", note(room, "hi"));
  expect(answer).toMatchObject({ ok: false, error: { code: "INTERNAL" } });
  expect(rig.logged).toMatchObject([{ fields: { err: { message: expect.stringContaining("note:added") } } }]);
  expect((await rig.server.history(room)).messages).toEqual([]);
});

test("what beforePublish returns is held against the size that a message may have", async () => {
  await using rig = await startRig({ beforePublish: () => ({ text: "x".repeat(70_000) }) });
  const answer = await ask(await rig.stock(), "message:publish", note(uniqueRoom(), "hi"));
  expect(answer).toMatchObject({ ok: false, error: { code: "PAYLOAD_TOO_LARGE" } });
});

test("beforePublish that takes over five seconds is UNAVAILABLE, and stores nothing when it returns late", async () => {
  const late = deferred();
  const returned = deferred();
  const aborted: boolean[] = [];
  await using rig = await startRig({
    beforePublish: async ({ data }, { signal }) => {
      if (textOf(data) !== "slow") return;
      signal.addEventListener("abort", () => aborted.push(signal.aborted));
      await late.promise;
      returned.resolve();
    },
  });
  const room = uniqueRoom();
  const socket = await rig.stock();
  const begunMs = performance.now();
  const answer = await ask(socket, "message:publish", note(room, "slow"));
  expect(answer).toMatchObject({ ok: false, error: { code: "UNAVAILABLE", retryable: true } });
  expect(performance.now() - begunMs).toBeGreaterThanOrEqual(4_900);
  expect(aborted).toEqual([true]);
  late.resolve();
  await returned.promise;
  // A fence: it is stored behind whatever the late hook could have stored.
  expect(await ask(socket, "message:publish", note(room, "fence"))).toMatchObject({ ok: true });
  expect(texts((await rig.server.history(room)).messages)).toEqual(["fence"]);
});

test("publishes of one session and room are asked for in order, one at a time, and hold up no other room", async () => {
  const gate = deferred();
  const asked: string[] = [];
  let running = 0;
  let mostRunning = 0;
  await using rig = await startRig({
    beforePublish: async ({ room, data }) => {
      if (!room.startsWith("slow")) return;
      asked.push(textOf(data));
      running += 1;
      mostRunning = Math.max(mostRunning, running);
      await gate.promise;
      running -= 1;
    },
  });
  const client = rig.connect();
  const slow = client.join(uniqueRoom("slow"));
  const sent = ["a", "b", "c", "d"].map((text) => slow.publish("note:added", { text }));
  await waitFor(() => asked.length === 1, "the first publish to be asked for");
  await client.join(uniqueRoom("quick")).publish("note:added", { text: "not held up" });
  // Another session in the same room is not held up either.
  const socket = await rig.stock();
  const other = ask(socket, "message:publish", note(slow.name, "other session"));
  await waitFor(() => asked.includes("other session"), "the other session to be asked for");
  expect(asked).toEqual(["a", "other session"]);
  gate.resolve();
  await Promise.all([...sent, other]);
  expect(asked).toEqual(["a", "other session", "b", "c", "d"]);
  expect(mostRunning).toBe(2);
  const stored = texts((await rig.server.history(slow.name)).messages);
  expect(stored.filter((text) => text !== "other session")).toEqual(["a", "b", "c", "d"]);
});

test("a publish that waited for slow hooks for longer than its sender is refused unasked, and not stored", async () => {
  const asked: string[] = [];
  await using rig = await startRig({
    beforePublish: ({ data }) => {
      asked.push(textOf(data));
      return new Promise(() => undefined);
    },
  });
  const room = uniqueRoom();
  const socket = await rig.stock();
  const answers = await Promise.all(
    ["1", "2", "3"].map((text) => ask(socket, "message:publish", note(room, text), 20_000)),
  );
  for (const answer of answers) expect(answer).toMatchObject({ ok: false, error: { code: "UNAVAILABLE" } });
  expect(asked).toEqual(["1", "2"]);
});

test("beforePublish is not asked for server.publish, nor for the room API", async () => {
  const adminToken = "an-admin-token-of-a-test";
  let asked = 0;
  await using rig = await startRig(
    {
      beforePublish: () => {
        asked += 1;
      },
    },
    { settings: { adminToken } },
  );
  const room = uniqueRoom();
  await rig.server.publish(room, "note:added", { text: "own" });
  const response = await fetch(`${rig.server.url}/rooms/${room}/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminToken}`, "content-type": "application/json" },
    body: JSON.stringify({ id: messageId(), event: "note:added", data: { text: "back end" } }),
  });
  expect(response.status).toBe(201);
  expect(asked).toBe(0);
  expect(texts((await rig.server.history(room)).messages)).toEqual(["own", "back end"]);
});

test("a repeat may be asked for again with the same id, and is stored once", async () => {
  const ids: string[] = [];
  await using rig = await startRig({
    beforePublish: ({ id }) => {
      ids.push(id);
    },
  });
  const socket = await rig.stock();
  const payload = note(uniqueRoom(), "once");
  expect(await ask(socket, "message:publish", payload)).toMatchObject({ ok: true, data: { duplicate: false } });
  expect(await ask(socket, "message:publish", payload)).toMatchObject({ ok: true, data: { duplicate: true } });
  expect(ids).toEqual([payload.id, payload.id]);
});
