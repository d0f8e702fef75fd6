import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { createServer } from "@holdfast/server";
import { createClient } from "redis";
import { expect, test } from "vitest";
import type { Sample } from "../../server/src/pulse/sample.ts";
import { startRedis } from "../support/redis-server.ts";
import { uniquePrefix } from "../support/unique.ts";
import { timePasses, waitFor } from "../support/wait.ts";
import { adminToken, contract, startAuthRig } from "./auth-rig.ts";

/** Watches an instance, as the page does, until it is disposed of. */
async function watch(url: string, token = adminToken) {
  const abort = new AbortController();
  const answer = await fetch(`${url}/pulse/samples`, {
    headers: { authorization: `Bearer ${token}` },
    signal: abort.signal,
  });
  const samples: Sample[] = [];
  const relays = new Set<string>();
  const read = async () => {
    let text = "";
    for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      text += chunk;
      const events = text.split("\n\n");
      text = events.pop() ?? "";
      for (const event of events) {
        const { by, samples: told } = JSON.parse(event.replace(/^data: /, "")) as { by: string; samples: Sample[] };
        relays.add(by);
        samples.push(...told);
      }
    }
  };
  const ended = read().catch(() => undefined);
  return {
    answer,
    samples,
    relays,
    ended,
    /** What was sent of an instance. */
    of: (instance: string) => samples.filter((sample) => sample.instance === instance),
    instances: () => [...new Set(samples.map(({ instance }) => instance))],
    async [Symbol.asyncDispose]() {
      abort.abort();
      await ended;
    },
  };
}

/** Hears what the instances tell each other of themselves. */
async function eavesdrop(url: string, keyPrefix: string) {
  const client = createClient({ url, RESP: 3 });
  await client.connect();
  const told: Sample[] = [];
  await client.sSubscribe(`${keyPrefix}#pulse`, (text) => void told.push(JSON.parse(text) as Sample));
  return { told, [Symbol.asyncDispose]: async () => void client.destroy() };
}

test("a watcher of one instance sees both, with what happens on each, and nothing is told while nobody watches", async () => {
  await using rig = await startAuthRig({}, { instances: 2 });
  await using channel = await eavesdrop(rig.redis.url, rig.keyPrefix);
  // Both could have told two samples.
  await timePasses(2_500);
  expect(channel.told).toEqual([]);

  let own = "";
  {
    await using watcher = await watch(rig.server.url);
    expect(watcher.answer.headers.get("content-type")).toBe("text/event-stream");
    await waitFor(() => watcher.instances().length === 2, "samples of both instances");
    expect([...watcher.relays]).toHaveLength(1);

    const token = await rig.token("ann", { rooms: { "*": "read write" } });
    const room = rig.connect({ token: () => token }, 1).join("lobby");
    await room.ready;
    await room.publish("said", "hello");
    const published = await waitFor(() => watcher.samples.find((sample) => sample.publishedPerSecond > 0), "a publish");
    const delivered = await waitFor(() => watcher.samples.find((sample) => sample.deliverP99Ms !== null), "a delivery");
    expect(published.name).not.toBe([...watcher.relays][0]);
    expect(delivered.instance).toBe(published.instance);
    expect(delivered).toMatchObject({ connections: 1, rooms: 1, isRedisUp: true, gaps: 0 });
    expect(published.appendP99Ms).toBeGreaterThan(0);
    own = watcher.instances().find((instance) => instance !== published.instance) ?? "";
    expect(watcher.of(own).every(({ connections }) => connections === 0)).toBe(true);
  }

  // The lease of the watcher that is gone, and then two seconds in which something could be told.
  await timePasses(11_000);
  const last = channel.told.length;
  expect(last).toBeGreaterThan(0);
  await timePasses(2_000);
  expect(channel.told).toHaveLength(last);
});

test("a watcher goes on seeing its own instance while Redis is away, and that it is", async () => {
  await using rig = await startAuthRig();
  await using watcher = await watch(rig.server.url);
  await waitFor(() => watcher.samples.some(({ isRedisUp }) => isRedisUp), "a sample with Redis");
  await rig.redis.stop();
  await waitFor(() => watcher.samples.at(-1)?.isRedisUp === false, "a sample without Redis");
});

test("an instance that ends does not wait for who watches it", async () => {
  await using rig = await startAuthRig();
  await using watcher = await watch(rig.server.url);
  await waitFor(() => watcher.samples.length > 0, "a sample");
  await waitFor(() => rig.server.close({ drainSeconds: 60 }).then(() => true), "the instance's end");
  await watcher.ended;
});

test("a watcher whose connection breaks is forgotten", async () => {
  await using rig = await startAuthRig();
  const { port } = new URL(rig.server.url);
  // Sixteen places: the seventeenth is given only where the others are free again.
  for (let watcher = 0; watcher < 16; watcher += 1) {
    const socket = connectSocket(Number(port), "127.0.0.1");
    socket.write(`GET /pulse/samples HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${adminToken}\r\n\r\n`);
    await once(socket, "data");
    socket.destroy();
  }
  await waitFor(async () => {
    await using watcher = await watch(rig.server.url);
    return watcher.answer.status === 200;
  }, "a place");
});

test("the samples ask for ADMIN_TOKEN where there is one; the page does so itself, and no other token will do", async () => {
  await using rig = await startAuthRig();
  const page = await fetch(`${rig.server.url}/pulse`);
  expect(page.status).toBe(200);
  expect(page.headers.get("content-security-policy")).toContain("default-src 'self'");
  expect(page.headers.get("content-security-policy")).not.toContain("unsafe");
  for (const token of [undefined, "another", await rig.token("ann")]) {
    expect(await rig.call("/pulse/samples", token === undefined ? {} : { token })).toMatchObject({
      status: 401,
      body: { error: { code: "UNAUTHENTICATED" } },
    });
  }
});

test.each([
  [
    "in production without ADMIN_TOKEN there is neither page nor samples",
    { nodeEnv: "production", allowedOrigins: "https://app.example" },
    404,
  ],
  ["on a developer's machine without ADMIN_TOKEN everybody may look", {}, 200],
])("%s", async (_, settings, status) => {
  await using redis = await startRedis();
  const shared = { port: 0, redisUrl: redis.url, keyPrefix: uniquePrefix(), drainSeconds: 0, auth: "anonymous" };
  await using server = await createServer({ contract }, { settings: { ...shared, ...settings } });
  expect((await fetch(`${server.url}/pulse`)).status).toBe(status);
  await using watcher = await watch(server.url);
  expect(watcher.answer.status).toBe(status);
});
