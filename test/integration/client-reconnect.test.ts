import { expect, test, vi } from "vitest";
import { limits } from "../../client/src/protocol/limits.ts";
import { comparePositions } from "../../client/src/protocol/position.ts";
import { numbered, record, recordStatus, startRig } from "../support/client-rig.ts";
import { testWithRedisServer } from "../support/needs.ts";
import { seededRandom } from "../support/random.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

test("a client that is cut again and again gets every message once and in order, and no gap", async () => {
  await using rig = await startRig();
  const [server] = rig.servers;
  if (!server) throw new Error("expected a server");
  const name = uniqueRoom();
  const reader = rig.connect();
  const statuses = recordStatus(reader);
  const room = reader.join(name);
  const recording = record(room);
  await room.ready;

  const writer = rig.connectDirectly(server).join(name);
  const total = 400;
  const sent = numbered(0, total);
  for (const [index, text] of sent.entries()) {
    await writer.publish("chat:message", { text });
    if (index % 80 === 40) rig.relay.cutAll({ reset: true });
  }
  await recording.has(`m${total - 1}`);
  expect(recording.texts()).toEqual(sent);
  expect(recording.gaps).toEqual([]);
  expect(recording.messages.some(({ replayed }) => replayed)).toBe(true);
  expect(room.position).toBe(recording.messages.at(-1)?.position);
  expect(statuses).toContain("reconnecting");
  expect(reader.status).toBe("connected");
});

test("publishes keep the order of the calls through cuts, and each is stored once", async () => {
  await using rig = await startRig({ servers: 2 });
  const [first, second] = rig.servers;
  if (!first || !second) throw new Error("expected two servers");
  const name = uniqueRoom();
  const reader = rig.connectDirectly(second).join(name);
  const recording = record(reader);
  await reader.ready;

  const writer = rig.connect().join(name);
  const random = seededRandom(7);
  const sent = numbered(0, 600);
  const stored: Promise<{ position: string }>[] = [];
  for (const text of sent) {
    stored.push(writer.publish("chat:message", { text }));
    if (random() < 0.02) {
      // The next connection may end at the other instance.
      rig.relay.targetPort = rig.relay.targetPort === first.port ? second.port : first.port;
      rig.relay.cutAll({ reset: true });
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const positions = (await Promise.all(stored)).map(({ position }) => position);
  await recording.has("m599");
  expect(recording.texts()).toEqual(sent);
  expect(recording.messages.map(({ position }) => position)).toEqual(positions);
});

test("what is published while offline waits and goes out in order; over the bound it is refused", async () => {
  await using rig = await startRig();
  const name = uniqueRoom();
  const client = rig.connect({ outboxMessages: 5 });
  const room = client.join(name);
  const recording = record(room);
  await room.ready;
  rig.relay.blackhole();
  rig.relay.cutAll({ reset: true });
  await waitFor(() => client.status === "reconnecting", "the client to notice the cut");

  const waiting = numbered(0, 5).map((text) => room.publish("chat:message", { text }));
  await expect(room.publish("chat:message", { text: "one too many" })).rejects.toMatchObject({
    code: "OUTBOX_FULL",
    retryable: true,
  });
  rig.relay.heal();
  await Promise.all(waiting);
  await recording.has("m4");
  expect(recording.texts()).toEqual(numbered(0, 5));
  await room.publish("chat:message", { text: "there is room again" });
});

test("a publish of before the machine slept is not sent again when it wakes, and says that its time is over", async () => {
  await using rig = await startRig();
  const [server] = rig.servers;
  if (!server) throw new Error("expected a server");
  const name = uniqueRoom();
  const reader = record(rig.connectDirectly(server).join(name));
  const client = rig.connect();
  const room = client.join(name);
  await room.ready;
  // It is stored at once, as the reader hears; its acknowledgement is on a slow line that is cut.
  rig.relay.delayMs = 500;
  const asleep = expect(room.publish("chat:message", { text: "pay 100" })).rejects.toMatchObject({
    code: "TIMED_OUT",
    retryable: true,
  });
  await reader.has("pay 100");
  rig.relay.cutAll({ reset: true });
  await waitFor(() => client.status === "reconnecting", "the client to notice the cut");
  // The machine sleeps: its clock goes on, its timers do not.
  const { now } = Date;
  const clock = vi.spyOn(Date, "now").mockImplementation(() => now() + limits.publishRetryMs);
  rig.relay.delayMs = 0;
  await asleep;
  await room.publish("chat:message", { text: "awake" });
  clock.mockRestore();
  await reader.has("awake");
  expect(reader.texts()).toEqual(["pay 100", "awake"]);
});

testWithRedisServer("publishes outlast a Redis that is away", async () => {
  await using rig = await startRig({ persist: true });
  const room = rig.connect().join(uniqueRoom());
  const recording = record(room);
  await room.ready;
  await room.publish("chat:message", { text: "m0" });
  await rig.redis.kill();
  const waiting = numbered(1, 20).map((text) => room.publish("chat:message", { text }));
  await rig.redis.restart({ keepData: true });
  await Promise.all(waiting);
  await recording.has("m19");
  expect(recording.texts()).toEqual(numbered(0, 20));
  expect(recording.gaps).toEqual([]);
});

test("a log that was lost while the client was away gives one gap", async () => {
  await using rig = await startRig();
  const name = uniqueRoom();
  const client = rig.connect();
  const room = client.join(name);
  const recording = record(room);
  await room.ready;
  const { position: before } = await room.publish("chat:message", { text: "before" });
  await recording.has("before");
  await rig.redis.restart({ keepData: false });
  const { position: after } = await room.publish("chat:message", { text: "after" });
  await recording.has("after");
  expect(recording.texts()).toEqual(["before", "after"]);
  expect(recording.gaps).toHaveLength(1);
  expect(recording.gaps[0]?.after).toBe(before);
  // Nothing is retained, and the head is that of an empty log, the entry that tells of the loss, or the new message.
  expect(comparePositions(recording.gaps[0]?.position ?? after, after)).toBeLessThanOrEqual(0);
});

test("an application that kept its position continues from there, over several pages of the log", async () => {
  await using rig = await startRig({ env: { HISTORY_MAX_MESSAGES: "2000" } });
  const name = uniqueRoom();
  const writer = rig.connect().join(name);
  const { position } = await writer.publish("chat:message", { text: "m0" });
  const sent = numbered(1, 1200);
  for (let from = 0; from < sent.length; from += 200) {
    await Promise.all(sent.slice(from, from + 200).map((text) => writer.publish("chat:message", { text })));
  }

  const room = rig.connect().join(name, { since: position });
  const recording = record(room);
  await recording.has("m1199");
  expect(recording.texts()).toEqual(sent);
  expect(recording.gaps).toEqual([]);
  expect(recording.messages.every(({ replayed }) => replayed)).toBe(true);
});
