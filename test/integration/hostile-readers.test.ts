import { afterAll, beforeAll, expect, test } from "vitest";
import { limits } from "../../client/src/protocol/limits.ts";
import { faultsOf, type Instances, startInstances } from "../support/instances.ts";
import { longRoom, publishLong } from "../support/long-room.ts";
import { connectPacket, fence, openEngine } from "../support/raw-engine.ts";
import { connectRaw, type RawClient } from "../support/raw-websocket.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

// What one connection that asks for pages, or that reads nothing, may cost everybody else. Each attack is one that worked.

let instances: Instances;

beforeAll(async () => {
  instances = await startInstances(1);
});

afterAll(async () => {
  const faults = instances.servers.flatMap(faultsOf);
  await instances[Symbol.asyncDispose]();
  expect(faults).toEqual([]);
});

test("a client that comes back to 100 rooms, each with a page to read, is refused nothing", async () => {
  const rooms = await Promise.all(
    Array.from({ length: limits.roomsPerConnection }, () => longRoom(instances.url(0), 10)),
  );
  using client = await connectRaw(instances.url(0));
  const joins = rooms.map(({ room, positions }) => client.request("room:join", { room, since: positions[0] }));
  for (const answer of await Promise.all(joins)) {
    expect(answer).toMatchObject({ ok: true, data: { recovered: true, complete: true } });
    expect((answer as { data: { messages: unknown[] } }).data.messages).toHaveLength(9);
  }
});

test("a connection that reads as fast as it may does not make others wait for all that it asked for", async () => {
  const { room, positions } = await longRoom(instances.url(0), 600);
  using greedy = await connectRaw(instances.url(0));
  using other = await connectRaw(instances.url(0));
  let answered = 0;
  const pages = positions.slice(-60).map(async (before) => {
    const answer = await greedy.request("history:read", { room, before }, 30_000);
    answered += 1;
    return answer;
  });
  expect(await other.request("history:read", { room, limit: 1 })).toMatchObject({ ok: true });
  expect(answered).toBeLessThan(10);
  for (const page of await Promise.all(pages)) {
    const { ok, error } = page as { ok: boolean; error?: { code: string } };
    expect(ok || error?.code === "RATE_LIMITED", JSON.stringify(error)).toBe(true);
  }
});

test("a page is paid for by its bytes", async () => {
  const { room, positions } = await longRoom(instances.url(0), 100);
  using reader = await connectRaw(instances.url(0));
  const startMs = performance.now();
  const pages = 40;
  for (const before of positions.slice(-pages)) {
    expect(await reader.request("history:read", { room, before, limit: 40 })).toMatchObject({ ok: true });
  }
  // 40 pages of about 480 KB are some 4,700 tokens: a burst of 2,000, and 1,000 in each second after it.
  expect(performance.now() - startMs).toBeGreaterThan(2_000);
});

test("the next page is read when the reader has shown that it has read the one before, wherever that waited", async () => {
  const { room, positions } = await longRoom(instances.url(0), 60);
  using engine = await openEngine(instances.url(0));
  engine.sendAll([connectPacket()]);
  await engine.sees("40{");
  // Its WebSocket takes everything, but it answers no ping: so do the buffers between a server and a slow phone.
  engine.sendAll(
    positions.slice(-8).map((before, id) => `42${id}${JSON.stringify(["history:read", { room, before }])}`),
  );
  for (const page of [1, 2]) {
    await engine.sees("43", page);
    await fence(instances.url(0));
    expect(engine.count("43")).toBe(page);
    await engine.sees("2", page);
    engine.sendAll(["3"]);
  }
});

test("answers that nobody reads stay below 16 MiB of memory a connection", async () => {
  const { room, positions } = await longRoom(instances.url(0), 600);
  const [server] = instances.servers;
  if (server === undefined) throw new Error("expected a server");
  using witness = await connectRaw(instances.url(0));
  // What the server needs to make pages at all is there before the measurement.
  const askPages = async (from: number, to: number) => {
    for (const before of positions.slice(from, to)) {
      expect(await witness.request("history:read", { room, before }, 30_000)).toMatchObject({ ok: true });
    }
  };
  await askPages(500, 512);
  const silent: RawClient[] = [];
  try {
    while (silent.length < 3) silent.push(await connectRaw(instances.url(0)));
    const before = server.memoryBytes();
    for (const client of silent) {
      client.pause();
      for (const position of positions.slice(-200)) {
        client.send(`421${JSON.stringify(["history:read", { room, before: position }])}`);
      }
    }
    let peak = 0;
    for (let from = 512; from < 524; from += 1) {
      await askPages(from, from + 1);
      peak = Math.max(peak, server.memoryBytes());
    }
    const perConnection = (peak - before) / silent.length / 2 ** 20;
    console.log(`memory a connection that does not read: ${perConnection.toFixed(1)} MiB`);
    expect(perConnection).toBeLessThan(16);
  } finally {
    for (const client of silent) client.terminate();
  }
});

test.each([
  ["echoes", `421["echo","${"x".repeat(1_000_000)}"]`, 1],
  ["refusals", '421["room:explode",1]', 500],
])("a connection that makes the server write %s and reads nothing is cut", async (_what, packet, atATime) => {
  await using one = await startInstances(1, { redis: instances.redis });
  using client = await connectRaw(one.url(0));
  client.pause();
  const isCut = () => {
    for (let index = 0; index < atATime; index += 1) client.send(packet);
    return cutsOf(one).length > 0;
  };
  await waitFor(isCut, "the connection to be cut", 30_000);
  for (const { waitingBytes } of cutsOf(one)) expect(waitingBytes).toBeLessThan(10 * 2 ** 20);
});

test("a member of a busy room that reads nothing is cut when 8 MiB wait, not a second later", async () => {
  await using hot = await startInstances(1, { redis: instances.redis });
  const room = uniqueRoom("hot");
  using silent = await connectRaw(hot.url(0));
  await silent.request("room:join", { room });
  silent.pause();
  const publishers = await Promise.all(Array.from({ length: 4 }, () => connectRaw(hot.url(0))));
  const publish = async (publisher: RawClient) => {
    while (cutsOf(hot).length === 0) await publishLong(publisher, room);
  };
  try {
    await withTimeout(
      Promise.all(publishers.flatMap((publisher) => Array.from({ length: 50 }, () => publish(publisher)))),
      "the member to be cut",
      30_000,
    );
    for (const { waitingBytes } of cutsOf(hot)) expect(waitingBytes).toBeLessThan(10 * 2 ** 20);
  } finally {
    for (const publisher of publishers) publisher.terminate();
  }
});

function cutsOf({ servers }: Instances) {
  return servers.flatMap(({ logs }) => logs.filter(({ msg }) => msg === "slow reader cut"));
}
