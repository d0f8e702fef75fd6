import { SignJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { limits } from "../../client/src/protocol/limits.ts";
import { faultsOf, type Instances, startInstances } from "../support/instances.ts";
import { longRoom } from "../support/long-room.ts";
import { connectPacket, fence, openEngine } from "../support/raw-engine.ts";
import { connectRaw } from "../support/raw-websocket.ts";
import { askData, connectStock, opened, stockSocket } from "../support/stock-client.ts";
import { sessionId } from "../support/unique.ts";
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

test("the rate limit belongs to the WebSocket: connecting to the namespace again gives no new burst", async () => {
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
  // As many as are read at once.
  const flood = Array.from({ length: 400 }, () => connectPacket({ token: "a.b.c" }));
  expect(flood.join("").length).toBeLessThan(60_000);
  engine.sendAll(flood);
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

test("a bystander is served as ever", async () => {
  using socket = await connectStock(instances.url(0));
  expect(await askData(socket, "echo", "here")).toBe("here");
});
