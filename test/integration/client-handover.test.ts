import { expect, test } from "vitest";
import type { ChatRoom } from "../support/chat.ts";
import { numbered, type Rig, record, recordStatus, startRig } from "../support/client-rig.ts";
import { testWithRedisServer } from "../support/needs.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

/** Publishes at a steady rate until told to stop; gives back what was stored. */
function publishSteadily(room: ChatRoom, everyMs: number) {
  const stored: Promise<unknown>[] = [];
  const timer = setInterval(() => stored.push(room.publish("chat:message", { text: `m${stored.length}` })), everyMs);
  return async () => {
    clearInterval(timer);
    await Promise.all(stored);
    return numbered(0, stored.length);
  };
}

const moves = (statuses: readonly string[]) => statuses.filter((status) => status === "moving").length;

function twoServers(rig: Rig) {
  const [first, second] = rig.servers;
  if (!first || !second) throw new Error("expected two servers");
  return { first, second };
}

test("a client whose connection expires moves while it publishes: nothing lost, repeated, reordered or cut", async () => {
  await using rig = await startRig({ servers: 2, env: { FUNCTION_TIMEOUT_SECONDS: "3" } });
  const { first, second } = twoServers(rig);
  const name = uniqueRoom();
  const client = rig.connect();
  const statuses = recordStatus(client);
  // The next connection always ends at the other instance.
  client.on("status", (status) => {
    if (status === "connected") rig.relay.targetPort = rig.relay.targetPort === first.port ? second.port : first.port;
  });
  const room = client.join(name);
  const recording = record(room);
  await room.ready;
  const stop = publishSteadily(room, 5);
  await waitFor(() => moves(statuses) >= 3 && client.status === "connected", "three moves", 20_000);
  const sent = await stop();
  await recording.has(sent.at(-1) ?? "");
  expect(recording.texts()).toEqual(sent);
  expect(recording.messages.filter(({ replayed }) => replayed).length).toBeLessThan(sent.length / 10);
  expect(recording.gaps).toEqual([]);
  expect(statuses).not.toContain("reconnecting");
  // Each old connection is closed once the new one is in use.
  await waitFor(() => rig.relay.connections === 1, "the old connections to be closed");
});

test("a draining instance is left without a cut", async () => {
  await using rig = await startRig({ servers: 2, env: { DRAIN_SECONDS: "5" } });
  const { first, second } = twoServers(rig);
  const client = rig.connect();
  const statuses = recordStatus(client);
  const room = client.join(uniqueRoom());
  const recording = record(room);
  await room.ready;
  const stop = publishSteadily(room, 5);
  rig.relay.targetPort = second.port;
  const { code } = await first.stop();
  const sent = await stop();
  await recording.has(sent.at(-1) ?? "");
  expect(code).toBe(0);
  expect(recording.texts()).toEqual(sent);
  expect(statuses.slice(1)).toEqual(["connected", "moving", "connected"]);
});

test("a move that finds no other instance keeps the old connection, and goes on when it is cut", async () => {
  await using rig = await startRig({ servers: 2, env: { DRAIN_SECONDS: "2" } });
  const { first, second } = twoServers(rig);
  const client = rig.connect();
  const statuses = recordStatus(client);
  const room = client.join(uniqueRoom());
  const recording = record(room);
  await room.ready;
  // The line still leads to the instance that is draining and refuses new connections.
  const stopped = first.stop();
  await waitFor(() => client.status === "moving", "the move to begin");
  await room.publish("chat:message", { text: "still on the old connection" });
  await stopped;
  await waitFor(() => client.status === "reconnecting", "the old connection to be cut");
  rig.relay.targetPort = second.port;
  await room.publish("chat:message", { text: "on the new one" });
  await recording.has("on the new one");
  expect(recording.texts()).toEqual(["still on the old connection", "on the new one"]);
  expect(statuses.slice(1)).toEqual(["connected", "moving", "reconnecting", "connected"]);
});

testWithRedisServer(
  "a move during a Redis outage waits on the old connection until the rooms can be joined",
  async () => {
    await using rig = await startRig({ env: { FUNCTION_TIMEOUT_SECONDS: "2" }, persist: true });
    const client = rig.connect();
    const statuses = recordStatus(client);
    const room = client.join(uniqueRoom());
    const recording = record(room);
    await room.ready;
    await room.publish("chat:message", { text: "before" });
    await rig.redis.kill();
    await waitFor(() => client.status === "moving" && rig.relay.connections === 2, "the move to begin");
    const waiting = room.publish("chat:message", { text: "during" });
    await rig.redis.restart({ keepData: true });
    await waiting;
    await waitFor(() => client.status === "connected", "the move to end");
    await room.publish("chat:message", { text: "after" });
    await recording.has("after");
    expect(recording.texts()).toEqual(["before", "during", "after"]);
    expect(recording.gaps).toEqual([]);
    expect(statuses).not.toContain("reconnecting");
  },
);

test("close during a move closes both connections and rejects what is not stored", async () => {
  await using rig = await startRig({ env: { FUNCTION_TIMEOUT_SECONDS: "2" } });
  const client = rig.connect();
  const room = client.join(uniqueRoom());
  await room.ready;
  const moving = waitFor(() => client.status === "moving", "the move to begin");
  // A slow line, so that the move takes its time.
  rig.relay.delayMs = 100;
  await moving;
  const waiting = room.publish("chat:message", { text: "never mind" });
  const rejected = expect(waiting).rejects.toMatchObject({ code: "CLOSED", retryable: false });
  await client.close();
  await rejected;
  expect(client.status).toBe("closed");
  await waitFor(() => rig.relay.connections === 0, "both connections to be closed");
  await expect(room.publish("chat:message", { text: "too late" })).rejects.toMatchObject({ code: "CLOSED" });
});

test("rooms joined and left during a move are joined and left on the new connection", async () => {
  await using rig = await startRig({ env: { FUNCTION_TIMEOUT_SECONDS: "2" } });
  const [server] = rig.servers;
  if (!server) throw new Error("expected a server");
  const names = { staying: uniqueRoom("staying"), leaving: uniqueRoom("leaving"), coming: uniqueRoom("coming") };
  const client = rig.connect();
  const staying = client.join(names.staying);
  const leaving = client.join(names.leaving);
  await Promise.all([staying.ready, leaving.ready]);
  rig.relay.delayMs = 100;
  await waitFor(() => client.status === "moving", "the move to begin");
  const left = record(leaving);
  const coming = client.join(names.coming);
  const came = record(coming);
  await leaving.leave();
  await coming.ready;
  await waitFor(() => client.status === "connected", "the move to end");
  rig.relay.delayMs = 0;
  await waitFor(() => rig.relay.connections === 1, "the old connection to be closed");

  const other = rig.connectDirectly(server);
  await other.join(names.leaving).publish("chat:message", { text: "nobody hears this" });
  await other.join(names.coming).publish("chat:message", { text: "fence" });
  await came.has("fence");
  expect(left.texts()).toEqual([]);
});
