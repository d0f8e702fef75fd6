import type { HoldfastError, JoinOptions, Position } from "@holdfast/client";
import { afterEach, expect, test, vi } from "vitest";
import { FIRST_RETRY_MS } from "../../client/src/backoff.ts";
import type { ChatRoom } from "../support/chat.ts";
import { type Rig, record, startRig } from "../support/client-rig.ts";
import { uniqueRoom } from "../support/unique.ts";
import { timePasses, waitFor } from "../support/wait.ts";

afterEach(() => void vi.restoreAllMocks());

/** A `load` whose outcomes the test decides: each call waits for its own. */
function loader() {
  const calls: { position: Position; succeed: () => void; fail: (cause: unknown) => void }[] = [];
  const load: JoinOptions["load"] = ({ position }) =>
    new Promise<void>((succeed, fail) => calls.push({ position, succeed, fail }));
  return { calls, load };
}

/** Everything that a room told, of all kinds, in one order. */
function recordAll(room: ChatRoom): string[] {
  const told: string[] = [];
  room.on("message", ({ data }) => told.push((data as { text: string }).text));
  room.on("gap", () => told.push("gap"));
  room.on("error", ({ code }) => told.push(code));
  void room.ready.then(
    () => told.push(room.status === "left" ? "left" : "ready"),
    () => told.push("not ready"),
  );
  return told;
}

/** A member with a direct line to the server, who is heard by the others. */
async function talker(rig: Rig, name: string) {
  const [server] = rig.servers;
  if (!server) throw new Error("expected a server");
  const room = rig.connectDirectly(server).join(name);
  const recording = record(room);
  await room.ready;
  return {
    async say(text: string): Promise<Position> {
      const { position } = await room.publish("chat:message", { text });
      await recording.has(text);
      return position;
    },
  };
}

test("the application's state is loaded as of a position, and only later messages are delivered after it", async () => {
  await using rig = await startRig();
  const name = uniqueRoom();
  const other = await talker(rig, name);
  const before = await other.say("before");

  const { calls, load } = loader();
  const client = rig.connect();
  const room = client.join(name, { load });
  const told = recordAll(room);
  await waitFor(() => calls.length === 1, "the load to begin");
  expect(calls[0]?.position).toBe(before);
  await other.say("m0");
  await other.say("m1");
  // Its own publishes do not wait for the state.
  await room.publish("chat:message", { text: "m2" });
  expect(told).toEqual([]);
  calls[0]?.succeed();
  await room.ready;
  await other.say("m3");
  await waitFor(() => told.includes("m3"), "the newest message");
  expect(told.filter((text) => text !== "ready")).toEqual(["m0", "m1", "m2", "m3"]);
  expect(told).toContain("ready");
  expect(calls).toHaveLength(1);
});

test("a state that is at hand, without a promise, is loaded as well", async () => {
  await using rig = await startRig();
  const name = uniqueRoom();
  const positions: Position[] = [];
  const room = rig.connect().join(name, { load: ({ position }) => positions.push(position) });
  const recording = record(room);
  await room.ready;
  await room.publish("chat:message", { text: "after" });
  await recording.has("after");
  expect(positions).toEqual(["0-0"]);
});

test("history that was asked for comes before the load, which covers it", async () => {
  await using rig = await startRig();
  const name = uniqueRoom();
  const other = await talker(rig, name);
  await other.say("m0");
  const newest = await other.say("m1");
  const { calls, load } = loader();
  const room = rig.connect().join(name, { history: 1, load });
  const told = recordAll(room);
  await waitFor(() => calls.length === 1, "the load to begin");
  expect(calls[0]?.position).toBe(newest);
  calls[0]?.succeed();
  await room.ready;
  await other.say("m2");
  await waitFor(() => told.includes("m2"), "the newest message");
  expect(told.filter((text) => text !== "ready")).toEqual(["m1", "m2"]);
});

test("an application that goes on from a position of its own loads its state after a gap alone", async () => {
  await using rig = await startRig();
  const name = uniqueRoom();
  const other = await talker(rig, name);
  const since = await other.say("m0");
  await other.say("m1");
  const { calls, load } = loader();
  const room = rig.connect().join(name, { since, load });
  const told = recordAll(room);
  await room.ready;
  await waitFor(() => told.includes("m1"), "what was said since");
  expect(calls).toEqual([]);
  await rig.redis.restart({ keepData: false });
  await room.publish("chat:message", { text: "after" });
  await waitFor(() => calls.length === 1, "the load behind the gap");
  expect(told.filter((text) => text !== "ready")).toEqual(["m1", "gap"]);

  const late = rig.connect().join(name, { since, load });
  const toldLate = recordAll(late);
  await waitFor(() => calls.length === 2, "the load of who comes back behind the gap");
  expect(toldLate).toEqual(["gap"]);
  calls[1]?.succeed();
  await late.ready;
});

test("a load that fails is reported as an error and tried again until it succeeds", async () => {
  await using rig = await startRig();
  vi.spyOn(Math, "random").mockReturnValue(0);
  let calls = 0;
  const mistake = new Error("the back end is away");
  const room = rig.connect().join(uniqueRoom(), {
    load() {
      calls++;
      if (calls === 1) throw mistake;
      return calls === 2 ? Promise.reject(mistake) : "the state";
    },
  });
  const errors: HoldfastError[] = [];
  room.on("error", (error) => errors.push(error));
  const recording = record(room);
  await room.ready;
  expect(calls).toBe(3);
  const failed = { code: "LOAD_FAILED", retryable: true, cause: mistake };
  expect(errors).toMatchObject([failed, failed]);
  await room.publish("chat:message", { text: "goes on" });
  await recording.has("goes on");
});

test("after a gap the state is loaded again before any later message is delivered", async () => {
  await using rig = await startRig();
  const name = uniqueRoom();
  const { calls, load } = loader();
  const room = rig.connect().join(name, { load });
  const told = recordAll(room);
  await waitFor(() => calls.length === 1, "the first load");
  calls[0]?.succeed();
  await room.publish("chat:message", { text: "before" });
  await waitFor(() => told.includes("before"), "the message before the loss");

  await rig.redis.restart({ keepData: false });
  const { position } = await room.publish("chat:message", { text: "after" });
  await waitFor(() => calls.length === 2, "the second load");
  const loadedAt = calls[1]?.position;
  await room.publish("chat:message", { text: "later" });
  expect(told).toEqual(["ready", "before", "gap"]);
  calls[1]?.succeed();
  await waitFor(() => told.includes("later"), "what was said behind the gap");
  // The state covers what was stored by the moment at which it was loaded.
  expect(told).toEqual(["ready", "before", "gap", ...(loadedAt === position ? [] : ["after"]), "later"]);
});

test("a cut during a load neither repeats it nor loses what is said meanwhile", async () => {
  await using rig = await startRig();
  const name = uniqueRoom();
  const other = await talker(rig, name);
  const { calls, load } = loader();
  const client = rig.connect();
  const room = client.join(name, { load });
  const told = recordAll(room);
  await waitFor(() => calls.length === 1, "the load to begin");
  await other.say("m0");
  rig.relay.cutAll({ reset: true });
  await waitFor(() => client.status === "reconnecting", "the client to notice the cut");
  await other.say("m1");
  await waitFor(() => client.status === "connected", "the client to come back");
  await room.publish("chat:message", { text: "m2" });
  expect(told).toEqual([]);
  calls[0]?.succeed();
  await waitFor(() => told.includes("m2"), "what was said meanwhile");
  expect(told.filter((text) => text !== "ready")).toEqual(["m0", "m1", "m2"]);
  expect(calls).toHaveLength(1);
});

test("leaving ends loading: neither is a failure told nor is it tried again", async () => {
  await using rig = await startRig();
  const client = rig.connect();
  const { calls, load } = loader();
  const room = client.join(uniqueRoom(), { load });
  const told = recordAll(room);
  await waitFor(() => calls.length === 1, "the load to begin");
  await room.leave();
  calls[0]?.fail(new Error("too late"));
  await client.join(uniqueRoom("fence")).ready;
  expect(told).toEqual(["left"]);

  const waiting = loader();
  const second = client.join(uniqueRoom(), { load: waiting.load });
  second.on("error", () => void second.leave());
  await waitFor(() => waiting.calls.length === 1, "the load to begin");
  waiting.calls[0]?.fail(new Error("left in the handler of this failure"));
  await second.ready;
  expect(second.status).toBe("left");
  // A timer of the client that was set before, for so long at most, has run then.
  await timePasses(FIRST_RETRY_MS + 1);
  expect(waiting.calls).toHaveLength(1);
});
