import { NodeWebSocket } from "socket.io-client";
import { expect, test } from "vitest";
import type { ChatRoom } from "../support/chat.ts";
import { record, recordStatus, startRig } from "../support/client-rig.ts";
import { refusal, startScriptedServer } from "../support/scripted-server.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

/** Whether a promise has settled, for what must still be under way at a certain moment. */
function watch(promise: Promise<unknown>) {
  const watched = { promise, isSettled: false };
  void promise.finally(() => {
    watched.isSettled = true;
  });
  return watched;
}

test("a room that the server is too busy to take a client out of is left all the same", async () => {
  const packets: string[] = [];
  class WatchedWebSocket extends NodeWebSocket {
    override onData(data: string) {
      packets.push(data);
      super.onData(data);
    }
  }
  await using rig = await startRig();
  const [server] = rig.servers;
  if (!server) throw new Error("expected a server");
  const names = { leaving: uniqueRoom("leaving"), staying: uniqueRoom("staying") };
  const other = rig.connectDirectly(server);
  const talkers = { leaving: other.join(names.leaving), staying: other.join(names.staying) };

  const client = rig.connect({ socket: { transports: [WatchedWebSocket] } });
  const statuses = recordStatus(client);
  const leaving = client.join(names.leaving);
  const staying = client.join(names.staying);
  const recording = record(staying);
  await Promise.all([leaving.ready, staying.ready]);
  // Several times what a connection may ask in a burst, so that the goodbye behind it is refused at first.
  for (let count = 0; count < 8000; count++) staying.signal("chat:typing", {});
  await leaving.leave();
  packets.length = 0;
  await talkers.leaving.publish("chat:message", { text: "nobody hears this" });
  await talkers.staying.publish("chat:message", { text: "fence" });
  await recording.has("fence");
  expect(packets.filter((packet) => packet.includes("nobody hears this"))).toEqual([]);
  expect(statuses).toEqual(["connecting", "connected"]);
});

test("leaving is tried again until the server has done it, and only then it is done", async () => {
  let answerLast: (answer: unknown) => void = () => undefined;
  await using server = await startScriptedServer(({ name }, count) => {
    if (name !== "room:leave") return undefined;
    if (count === 1) return refusal("RATE_LIMITED", 20);
    if (count === 2) return refusal("UNAVAILABLE");
    return new Promise((answer) => {
      answerLast = answer;
    });
  });
  const room = server.client.join(uniqueRoom());
  await room.ready;
  const leaving = watch(room.leave());
  await waitFor(() => server.count("room:leave") === 3, "two repeats of the goodbye");
  expect(leaving.isSettled).toBe(false);
  answerLast({ ok: true, data: {} });
  await leaving.promise;
  expect(server.count("room:leave")).toBe(3);
});

test("leaving that is refused for good is not tried again", async () => {
  await using server = await startScriptedServer(({ name }) =>
    name === "room:leave" ? { ok: false, error: { code: "INVALID_PAYLOAD", retryable: false } } : undefined,
  );
  const room = server.client.join(uniqueRoom());
  await room.ready;
  await room.leave();
  await server.client.join(uniqueRoom("fence")).ready;
  expect(server.count("room:leave")).toBe(1);
});

test.each(["is cut", "is closed"])(
  "leaving is over when the connection %s, however long it was to wait",
  async (how) => {
    await using server = await startScriptedServer(({ name }) =>
      name === "room:leave" ? refusal("RATE_LIMITED", 600_000) : undefined,
    );
    const room = server.client.join(uniqueRoom());
    await room.ready;
    const leaving = room.leave();
    await waitFor(() => server.count("room:leave") === 1, "the goodbye");
    await server.client.join(uniqueRoom("fence")).ready;
    if (how === "is cut") server.cut();
    else await server.client.close();
    await leaving;
    expect(server.count("room:leave")).toBe(1);
  },
);

test("leaving is over when the connection is cut before the answer", async () => {
  await using server = await startScriptedServer(({ name }) =>
    name === "room:leave" ? new Promise(() => undefined) : undefined,
  );
  const room = server.client.join(uniqueRoom());
  await room.ready;
  const leaving = room.leave();
  await waitFor(() => server.count("room:leave") === 1, "the goodbye");
  server.cut();
  await leaving;
  await server.client.join(uniqueRoom("fence")).ready;
  expect(server.count("room:leave")).toBe(1);
});

test("a room that was joined again is not left any more", async () => {
  await using server = await startScriptedServer(({ name }) =>
    name === "room:leave" ? refusal("RATE_LIMITED", 50) : undefined,
  );
  const name = uniqueRoom();
  const room = server.client.join(name);
  await room.ready;
  const leaving = room.leave();
  await waitFor(() => server.count("room:leave") === 1, "the goodbye");
  const again: ChatRoom = server.client.join(name);
  await Promise.all([again.ready, leaving]);
  expect(server.asked.map((one) => one.name)).toEqual(["room:join", "room:leave", "room:join"]);
});

test("a room that is left while it is being joined is left behind the join, and the server knows when it is done", async () => {
  let answerJoin: (answer: unknown) => void = () => undefined;
  await using server = await startScriptedServer(({ name, payload }) =>
    name === "room:join" && payload.room?.startsWith("slow")
      ? new Promise((answer) => {
          answerJoin = answer;
        })
      : undefined,
  );
  await server.client.join(uniqueRoom("fence")).ready;
  const room = server.client.join(uniqueRoom("slow"));
  await waitFor(() => server.count("room:join") === 2, "the join");
  await room.leave();
  expect(server.asked.map((one) => one.name)).toEqual(["room:join", "room:join", "room:leave"]);
  answerJoin(refusal("UNAVAILABLE"));
  await server.client.join(uniqueRoom("fence")).ready;
  expect(server.asked.filter(({ payload }) => payload.room === room.name)).toHaveLength(2);
});
