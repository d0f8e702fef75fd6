import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { limits } from "../../client/src/protocol/limits.ts";
import { faultsOf, type Instances, startInstances } from "../support/instances.ts";
import { connectRaw, type RawClient } from "../support/raw-websocket.ts";
import { askData, connectStock, opened, stockSocket } from "../support/stock-client.ts";
import { messageId, sessionId, uniqueRoom } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

// What one hostile connection may cost everybody else. Each attack is one that worked.

const secret = "a secret of more than thirty-two characters";
let instances: Instances;
/** The same, for those whose tokens are looked at. */
let guarded: Instances;

beforeAll(async () => {
  instances = await startInstances(1);
  guarded = await startInstances(1, { redis: instances.redis, env: { AUTH: "token", TOKEN_SECRET: secret } });
});

afterAll(async () => {
  const faults = [...instances.servers, ...guarded.servers].flatMap(faultsOf);
  await guarded[Symbol.asyncDispose]();
  await instances[Symbol.asyncDispose]();
  expect(faults).toEqual([]);
});

/** A WebSocket to Engine.IO on which nothing is sent that the test does not send. */
class Engine implements Disposable {
  readonly frames: string[] = [];
  readonly webSocket: WebSocket;
  readonly closed: Promise<void>;

  constructor(url: string) {
    this.webSocket = new WebSocket(`${url.replace(/^http/, "ws")}/socket.io/?EIO=4&transport=websocket`);
    this.webSocket.on("message", (bytes: Buffer) => this.frames.push(bytes.toString()));
    this.webSocket.on("error", () => undefined);
    this.closed = new Promise((resolve) => this.webSocket.once("close", () => resolve()));
  }

  /** Frames that begin with `start`, in their order. */
  count(start: string): number {
    return this.frames.filter((frame) => frame.startsWith(start)).length;
  }

  async sees(start: string, times = 1): Promise<void> {
    await waitFor(() => this.count(start) >= times, `${times} frames that begin with ${start}`, 20_000);
  }

  /** Sends everything in one go, so that the server has all of it before it can answer. */
  sendAll(frames: readonly string[]): void {
    for (const frame of frames) this.webSocket.send(frame);
  }

  /** Within less than the ten seconds after which the server closes whoever is not admitted. */
  isClosed(): Promise<void> {
    return withTimeout(this.closed, "the server to close the connection", 6_000);
  }

  [Symbol.dispose](): void {
    this.webSocket.terminate();
  }
}

async function openEngine(url: string): Promise<Engine> {
  const engine = new Engine(url);
  await engine.sees("0{");
  return engine;
}

const connectPacket = (auth: Readonly<Record<string, unknown>> = {}) =>
  `40${JSON.stringify({ protocol: limits.protocolVersion, session: sessionId(), ...auth })}`;

/** The longest text that the contract lets pass, in the characters that take most bytes. */
const longText = "好".repeat(4_000);

async function publishLong(publisher: RawClient, room: string): Promise<string> {
  const message = { room, id: messageId(), event: "chat:message", data: { text: longText } };
  const answer = await publisher.request("message:publish", message, 20_000);
  return (answer as { data: { position: string } }).data.position;
}

/** A room with so many long messages, and their positions, oldest first. */
async function longRoom(url: string, messages: number): Promise<{ room: string; positions: string[] }> {
  const room = uniqueRoom("long");
  using publisher = await connectRaw(url);
  const positions: string[] = [];
  while (positions.length < messages) {
    const some = Math.min(100, messages - positions.length);
    positions.push(...(await Promise.all(Array.from({ length: some }, () => publishLong(publisher, room)))));
  }
  return { room, positions };
}

/** Resolves when the server has read what was sent to it before on any connection. */
async function fence(url: string): Promise<void> {
  using other = await connectRaw(url);
  await other.request("echo", 1);
}

test("the rate limit belongs to the WebSocket: connecting anew on it gives no new burst", async () => {
  using engine = await openEngine(instances.url(0));
  const burst = 2_000;
  const startMs = performance.now();
  for (let round = 1; round <= 4; round += 1) {
    engine.sendAll([connectPacket()]);
    await engine.sees("40{", round);
    engine.sendAll(Array.from({ length: burst }, (_, id) => `42${id}["echo",1]`));
    await engine.sees("43", round * burst);
    engine.sendAll(["41"]);
    await fence(instances.url(0));
  }
  const refilled = performance.now() - startMs;
  const served = engine.frames.filter((frame) => frame.endsWith('[{"ok":true,"data":1}]')).length;
  // One burst, and what 1,000 in each second have given since; one token in a millisecond.
  expect(served).toBeGreaterThanOrEqual(burst);
  expect(served).toBeLessThanOrEqual(burst + refilled);
});

test("a client over its rate is told so, and is not cut for the pings that it answers or for its attachments", async () => {
  using client = await connectRaw(instances.url(0));
  const answers = Array.from({ length: 10_000 }, () => client.request("echo", 1, 20_000));
  for (let index = 0; index < 20; index += 1) client.send("3");
  for (let index = 0; index < 200; index += 1) {
    client.send('451-["echo",{"_placeholder":true,"num":0}]');
    client.sendBytes(Buffer.from("attachment"));
  }
  const refused = (await Promise.all(answers)).filter((answer) => !(answer as { ok: boolean }).ok);
  expect(refused[0]).toMatchObject({ error: { code: "RATE_LIMITED" } });
  expect(await client.request("echo", 1)).toBeDefined();
});

test("a connection whose requests take all that it may send can still join and read", async () => {
  const { room } = await longRoom(instances.url(0), 100);
  using busy = await connectRaw(instances.url(0));
  let isOver = false;
  let refusals = 0;
  const lane = async () => {
    while (!isOver) {
      const answer = (await busy.request("echo", 1)) as { ok: boolean };
      if (!answer.ok) refusals += 1;
    }
  };
  const lanes = Promise.all(Array.from({ length: 64 }, lane));
  try {
    await waitFor(() => refusals > 1_000, "the connection to be at its limit");
    expect(await busy.request("room:join", { room })).toMatchObject({ ok: true });
    for (let page = 0; page < 3; page += 1) {
      expect(await busy.request("history:read", { room })).toMatchObject({ ok: true });
    }
  } finally {
    isOver = true;
    await lanes;
  }
});

test("a WebSocket that connects to the namespace twice at a time is closed", async () => {
  using engine = await openEngine(instances.url(0));
  engine.sendAll(Array.from({ length: 200 }, () => connectPacket()));
  await engine.isClosed();
  expect(engine.count("40{")).toBeLessThanOrEqual(1);
});

test("a WebSocket may leave the namespace and come back a few times, and is closed when it goes on", async () => {
  using engine = await openEngine(instances.url(0));
  for (let round = 1; round <= 5; round += 1) {
    engine.sendAll([connectPacket()]);
    await engine.sees("40{", round);
    engine.sendAll(["41"]);
    await fence(instances.url(0));
  }
  engine.sendAll([connectPacket()]);
  await engine.isClosed();
  expect(engine.count("40{")).toBe(5);
});

test("a WebSocket that has left the namespace and does not come back is closed", async () => {
  using engine = await openEngine(instances.url(0));
  engine.sendAll([connectPacket()]);
  await engine.sees("40{");
  engine.sendAll(["41"]);
  await withTimeout(engine.closed, "the server to close a connection without a namespace", 20_000);
});

test("a WebSocket whose tokens are refused is told so three times, then it is closed", async () => {
  using engine = await openEngine(guarded.url(0));
  for (let round = 1; round <= 3; round += 1) {
    engine.sendAll([connectPacket({ token: "a.b.c" })]);
    await engine.sees("44", round);
  }
  await engine.isClosed();
  expect(engine.count("44")).toBe(3);
});

test("a flood of tokens in one go costs the verification of one", async () => {
  using engine = await openEngine(guarded.url(0));
  engine.sendAll(Array.from({ length: 1_000 }, () => connectPacket({ token: "a.b.c" })));
  await engine.isClosed();
  expect(engine.count("44")).toBeLessThanOrEqual(1);
});

test("a WebSocket that asks for namespaces which do not exist is closed", async () => {
  using engine = await openEngine(instances.url(0));
  engine.sendAll(["40/a,", "40/b,", "40/c,", "40/d,", "40/e,"]);
  await engine.isClosed();
});

test.each([
  ["answers to no ping", "3"],
  ["packets without meaning", "6"],
])("a flood of %s before anybody is admitted is cut", async (_what, frame) => {
  using engine = await openEngine(guarded.url(0));
  engine.sendAll(Array.from({ length: 20_000 }, () => frame));
  await engine.isClosed();
});

test("a flood of packets that cannot be answered is cut after admission, too", async () => {
  using engine = await openEngine(instances.url(0));
  engine.sendAll([connectPacket()]);
  await engine.sees("40{");
  engine.sendAll(Array.from({ length: 20_000 }, () => "43999[1]"));
  await engine.isClosed();
});

test.each([
  ["an event without content", "42"],
  ["an event without content that asks for an acknowledgement", "4217"],
  ["an event that is no list", '42{"a":1}'],
  ["an event that is null", "42null"],
  ["an acknowledgement without content", "431"],
  ["an empty message", "4"],
  ["a binary event without content", "451-"],
])("%s closes its connection without a fault in the log", async (_what, packet) => {
  const lines = () => instances.servers[0]?.logs.filter(({ level }) => Number(level) >= 40).length;
  using engine = await openEngine(instances.url(0));
  engine.sendAll([connectPacket()]);
  await engine.sees("40{");
  const before = lines();
  engine.sendAll(Array.from({ length: 100 }, () => packet));
  if (packet === "451-") engine.webSocket.send(Buffer.from("attachment"));
  await engine.isClosed();
  expect(lines()).toBe(before);
});

test("announced attachments are not waited for", async () => {
  using engine = await openEngine(instances.url(0));
  engine.sendAll([connectPacket()]);
  await engine.sees("40{");
  engine.sendAll(['4510-["echo",{"_placeholder":true,"num":0}]']);
  await engine.isClosed();
});

test("stock socket.io-client disconnects and connects again as often as it likes", async () => {
  const token = (user: string) =>
    new SignJWT({ sub: user }).setProtectedHeader({ alg: "HS256" }).setExpirationTime("1m").sign(Buffer.from(secret));
  using socket = stockSocket(guarded.url(0), { token: await token("ada") });
  for (let round = 0; round < 10; round += 1) {
    await opened(socket);
    expect(await askData(socket, "echo", round)).toBe(round);
    socket.disconnect();
  }
});

test("a refused stock client may try again and again, and is admitted once its token is good", async () => {
  const auth = { protocol: limits.protocolVersion, session: sessionId(), token: "a.b.c" };
  using socket = stockSocket(guarded.url(0), { socket: { auth } });
  for (let round = 0; round < 8; round += 1) {
    await expect(opened(socket)).rejects.toMatchObject({ data: { code: "UNAUTHENTICATED" } });
  }
  auth.token = await new SignJWT({ sub: "ada" })
    .setProtectedHeader({ alg: "HS256" })
    .setExpirationTime("1m")
    .sign(Buffer.from(secret));
  await opened(socket);
  expect(await askData(socket, "echo", 1)).toBe(1);
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

test("a bystander is served as ever", async () => {
  using socket = await connectStock(instances.url(0));
  expect(await askData(socket, "echo", "here")).toBe("here");
});
