import { createClient } from "redis";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signalFrame } from "../../server/src/broadcast/frame.ts";
import { roomChannel } from "../../server/src/broadcast/names.ts";
import { faultsOf, type Instances, startInstances } from "../support/instances.ts";
import { connectRaw, type RawClient } from "../support/raw-websocket.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

// Broadcasts go past Engine.IO where nothing waits for a member, and through it where something does.

let instances: Instances;

beforeAll(async () => {
  instances = await startInstances(1);
});

afterAll(async () => {
  const faults = instances.servers.flatMap(faultsOf);
  await instances[Symbol.asyncDispose]();
  expect(faults).toEqual([]);
});

async function member(room: string): Promise<{ readonly client: RawClient; readonly packets: string[] }> {
  const packets: string[] = [];
  const client = await connectRaw(instances.url(0), { onEvent: (packet) => packets.push(packet) });
  expect(await client.request("room:join", { room })).toMatchObject({ ok: true });
  return { client, packets };
}

async function publish(client: RawClient, room: string, text: string): Promise<void> {
  const payload = { room, id: messageId(), event: "chat:message", data: { text } };
  expect(await client.request("message:publish", payload)).toMatchObject({ ok: true });
}

test("a member that has stopped reading gets the same packets in the same order as one that reads", async () => {
  const room = uniqueRoom();
  const reading = await member(room);
  const stopped = await member(room);
  using publisher = await connectRaw(instances.url(0));
  stopped.client.pause();
  // More than the buffers of a TCP connection take, and less than a slow reader is cut for.
  const messages = 1_000;
  for (let number = 0; number < messages; number += 1) await publish(publisher, room, `${number} ${"€".repeat(1_200)}`);
  await publish(publisher, room, "short");
  await waitFor(() => reading.packets.at(-1)?.includes('"short"'), "the member that reads to have all");
  expect(stopped.packets.length).toBeLessThan(reading.packets.length);
  stopped.client.resume();
  await waitFor(() => stopped.packets.at(-1)?.includes('"short"'), "the member that had stopped to have all");
  expect(stopped.packets).toEqual(reading.packets);
  reading.client.terminate();
  stopped.client.terminate();
});

test("a frame that only the adapter can read arrives between those that need it not", async () => {
  const room = uniqueRoom();
  const { client, packets } = await member(room);
  const redis = createClient({ url: instances.redis.url });
  await redis.connect();
  try {
    const channel = roomChannel(instances.keyPrefix, room);
    const signal = (name: string) =>
      signalFrame(room, { event: name, dataJson: "{}", from: { user: null, session: null } }, "", Date.now() + 60_000);
    await redis.sPublish(channel, signal("first"));
    // As another server's adapter would write it.
    await redis.sPublish(channel, JSON.stringify({ ...JSON.parse(signal("second")), uid: "another" }));
    await redis.sPublish(channel, signal("third"));
    await waitFor(() => packets.length === 3, "three signals");
    expect(packets.map((packet) => JSON.parse(packet.slice(2))[1].event)).toEqual(["first", "second", "third"]);
  } finally {
    redis.destroy();
    client.terminate();
  }
});
