import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { standsStill, timePasses, waitFor } from "../support/wait.ts";
import type { FunctionCompute } from "./index.ts";
import { askJson, openSocket, refusedWith, startFixture } from "./support.ts";

/** A WebSocket handshake by hand, for clients that do not behave. */
function rawHandshake(fc: FunctionCompute, path = "/"): Socket {
  const socket = connect({ host: "127.0.0.1", port: fc.port });
  socket.on("error", () => undefined);
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: fixture\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`,
  );
  return socket;
}

/** Waits until a connection has so much of its time left, so that the next one outlives it. */
function untilLeft(deadlineMs: number, leftMs: number): Promise<true> {
  return waitFor(() => Date.now() >= deadlineMs - leftMs, `a connection to have ${leftMs} ms left`);
}

function closeAndWait(fc: FunctionCompute) {
  return fc.events.next("connection:closed");
}

test("a connection is cut with 1006 when its own time is over, and the others of its instance live on", async () => {
  await using fc = await startFixture({ timeoutSeconds: 2, instanceConcurrency: 10 });
  const opened = fc.events.next("connection:opened");
  using first = await openSocket(fc);
  const { deadlineMs, connectionId } = await opened;
  await untilLeft(deadlineMs, 1000);
  using second = await openSocket(fc);
  expect(second.greeting.instanceId).toBe(first.greeting.instanceId);
  const cut = fc.events.next("connection:cut");
  expect((await first.closed).code).toBe(1006);
  const lateMs = Date.now() - deadlineMs;
  expect(await second.echo("still here")).toBe("still here");
  expect(await cut).toEqual({ connectionId, instanceId: first.greeting.instanceId, reason: "timeout" });
  // A timer may fire in the millisecond before.
  expect(lateMs).toBeGreaterThanOrEqual(-1);
  expect(lateMs).toBeLessThan(1000);
  expect(fc.counts()).toMatchObject({ cuts: 1, connections: 1, handovers: 0 });
});

test("where the timeout ends the whole instance, its other connections are cut too and the next one starts anew", async () => {
  await using fc = await startFixture({ timeoutSeconds: 1, instanceConcurrency: 10, cut: "whole-instance" });
  const opened = fc.events.next("connection:opened");
  using first = await openSocket(fc);
  await untilLeft((await opened).deadlineMs, 700);
  using second = await openSocket(fc);
  const destroyed = fc.events.next("instance:destroyed");
  expect((await first.closed).code).toBe(1006);
  expect((await second.closed).code).toBe(1006);
  expect(await destroyed).toEqual({ instanceId: first.greeting.instanceId, reason: "timeout" });
  using third = await openSocket(fc);
  expect(third.greeting.instanceId).not.toBe(first.greeting.instanceId);
});

test("a refused handshake reaches the client with its status, and its instance is frozen", async () => {
  await using fc = await startFixture();
  const frozen = fc.events.next("instance:frozen");
  expect(await refusedWith(openSocket(fc, "/refused"))).toBe(403);
  await frozen;
  expect(fc.counts()).toMatchObject({ opened: 0, statuses: new Map([[403, 1]]) });
});

test("a handshake beyond the limits is answered with 429", async () => {
  await using fc = await startFixture({ instanceConcurrency: 1, maxInstances: 1 });
  using _ = await openSocket(fc);
  expect(await refusedWith(openSocket(fc))).toBe(429);
});

test("data of every size comes back unchanged, in both directions at once", async () => {
  await using fc = await startFixture();
  using socket = await openSocket(fc);
  const sent = [1, 125, 126, 65_535, 65_536, 3_000_000].map((bytes) => randomBytes(bytes));
  const received: Buffer[] = [];
  socket.socket.on("message", (data: Buffer) => received.push(data));
  for (const data of sent) socket.socket.send(data);
  await waitFor(() => received.length === sent.length, "all messages to come back");
  expect(received.every((data, index) => sent[index]?.equals(data))).toBe(true);
});

test("a client that closes with a close frame before its deadline counts as a planned move", async () => {
  await using fc = await startFixture({ timeoutSeconds: 30 });
  using socket = await openSocket(fc);
  const closed = closeAndWait(fc);
  socket.socket.close(1000);
  expect(await closed).toMatchObject({ by: "client", clean: true });
  expect((await closed).leftMs).toBeGreaterThan(25_000);
  expect((await socket.closed).code).toBe(1000);
  expect(fc.counts()).toMatchObject({ handovers: 1, cuts: 0, otherEnds: 0, connections: 0 });
});

test("a close by the instance reaches the client with its code and is no planned move", async () => {
  await using fc = await startFixture();
  using socket = await openSocket(fc);
  const closed = closeAndWait(fc);
  socket.socket.send("close");
  expect((await socket.closed).code).toBe(4000);
  expect(await closed).toMatchObject({ by: "instance", clean: true });
  expect(fc.counts()).toMatchObject({ handovers: 0, otherEnds: 1 });
});

test("an instance that drops a connection without a close frame counts as a cut", async () => {
  await using fc = await startFixture();
  using socket = await openSocket(fc);
  const cut = fc.events.next("connection:cut");
  socket.socket.send("terminate");
  expect((await socket.closed).code).toBe(1006);
  expect((await cut).reason).toBe("instance");
});

test("a client that resets or half-closes its connection without a close frame frees its place at once", async () => {
  await using fc = await startFixture({ instanceConcurrency: 2 });
  for (const leave of [(socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.end()]) {
    const opened = fc.events.next("connection:opened");
    const socket = rawHandshake(fc);
    await opened;
    const frozen = fc.events.next("instance:frozen");
    const closed = closeAndWait(fc);
    leave(socket);
    expect(await closed).toMatchObject({ by: "client", clean: false });
    await frozen;
    expect(fc.instances()[0]?.inFlight).toBe(0);
  }
  expect(fc.counts()).toMatchObject({ otherEnds: 2, cuts: 0, handovers: 0 });
});

test("a client that gives up its handshake during a cold start never reaches the instance", async () => {
  for (const leave of [(socket: Socket) => socket.resetAndDestroy(), (socket: Socket) => socket.end()]) {
    await using fc = await startFixture({ coldStartMs: 300, instanceConcurrency: 2 });
    const ended = fc.events.next("request:ended");
    const socket = rawHandshake(fc);
    await once(socket, "connect");
    await waitFor(() => fc.instances().length === 1, "the instance to start");
    leave(socket);
    expect(await ended).toMatchObject({ status: 499, instanceId: null });
    expect(await askJson(`${fc.url}/state`)).toMatchObject({ upgrades: 0 });
    expect(fc.instances()[0]?.served).toBe(1);
  }
});

test("a client that does not read slows its instance down instead of filling the gateway's memory", async () => {
  await using fc = await startFixture({ timeoutSeconds: 20, instanceConcurrency: 2 });
  const opened = fc.events.next("connection:opened");
  const socket = rawHandshake(fc, "/flood");
  await opened;
  socket.pause();
  const flooded = async () => (await askJson<{ floodedBytes: number }>(`${fc.url}/state`)).floodedBytes;
  const last = await standsStill(flooded, { forMs: 200, what: "the flood to stand still" });
  // What the kernel's buffers on the way hold, far below what 200 ms of an open pipe let through.
  expect(last).toBeLessThan(40_000_000);
  socket.resume();
  await waitFor(async () => (await flooded()) > last + 50_000_000, "the flood to go on");
  socket.destroy();
});

test("an upgrade to anything but a WebSocket is answered with 400", async () => {
  await using fc = await startFixture();
  const socket = connect({ host: "127.0.0.1", port: fc.port });
  socket.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
  expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1\.1 400 /);
  socket.destroy();
});

test("two connections of one instance are billed from the opening of the first to the closing of the last", async () => {
  await using fc = await startFixture({ instanceConcurrency: 2, coldStartMs: 300, cpu: 1, memoryMb: 1024 });
  // When the billed span can have begun and ended at the earliest and at the latest.
  const seen: Record<string, number> = {};
  for (const name of ["instance:started", "connection:opened", "connection:closed", "instance:frozen"] as const) {
    const keepsFirst = name === "instance:started" || name === "connection:opened";
    fc.events.on(name, () => {
      if (!keepsFirst || seen[name] === undefined) seen[name] = performance.now();
    });
  }
  const frozen = fc.events.next("instance:frozen");
  // One connection alone, both together, the other one alone: time that is counted twice would show.
  using first = await openSocket(fc);
  await timePasses(200);
  using second = await openSocket(fc);
  await timePasses(200);
  const closed = closeAndWait(fc);
  first.socket.close();
  await closed;
  await timePasses(200);
  second.socket.close();
  await frozen;
  const { billedSeconds, cu, cny } = fc.meter();
  const between = (from: string, to: string) => ((seen[to] ?? Number.NaN) - (seen[from] ?? Number.NaN)) / 1000;
  expect(billedSeconds).toBeGreaterThanOrEqual(between("connection:opened", "connection:closed"));
  expect(billedSeconds).toBeLessThanOrEqual(between("instance:started", "instance:frozen"));
  expect(cu).toBeCloseTo(billedSeconds * 1.15, 9);
  expect(cny).toBeCloseTo(cu * 0.00011, 12);
  // A bill that went on would have grown.
  await timePasses(150);
  expect(fc.meter().billedSeconds).toBe(billedSeconds);
});

test("with concurrency 1 two connections at a time are billed twice", async () => {
  await using fc = await startFixture({ instanceConcurrency: 1 });
  using first = await openSocket(fc);
  using second = await openSocket(fc);
  expect(first.greeting.instanceId).not.toBe(second.greeting.instanceId);
  const read = () => {
    const fromMs = performance.now();
    const { billedSeconds } = fc.meter();
    return { fromMs, billedSeconds, toMs: performance.now() };
  };
  const before = read();
  await waitFor(() => fc.meter().billedSeconds >= before.billedSeconds + 0.5, "the bill to grow by half a second");
  const after = read();
  const grownMs = (after.billedSeconds - before.billedSeconds) * 1000;
  expect(grownMs).toBeGreaterThanOrEqual(2 * (after.fromMs - before.toMs) - 0.001);
  expect(grownMs).toBeLessThanOrEqual(2 * (after.toMs - before.fromMs) + 0.001);
});

test("lifecycle hooks are billed like requests, the rest of a start is not", async () => {
  await using fc = await startFixture(
    { initializer: { timeoutSeconds: 3 }, instanceConcurrency: 2, coldStartMs: 300 },
    { env: { FIXTURE_INITIALIZE_MS: "300" } },
  );
  const started = fc.events.next("instance:started");
  const frozen = fc.events.next("instance:frozen");
  const askedMs = performance.now();
  await askJson(`${fc.url}/echo`);
  await frozen;
  const { billedSeconds } = fc.meter();
  expect(billedSeconds).toBeGreaterThan(0.29);
  expect((await started).startMs).toBeGreaterThanOrEqual(590);
  expect(billedSeconds * 1000).toBeLessThan(performance.now() - askedMs - 290);
});

test("what a destroyed instance was billed for stays on the bill", async () => {
  await using fc = await startFixture();
  using socket = await openSocket(fc);
  await waitFor(() => fc.meter().billedSeconds > 0.19, "the bill to grow");
  await fc.destroyInstance(socket.greeting.instanceId);
  const { billedSeconds } = fc.meter();
  expect(billedSeconds).toBeGreaterThan(0.19);
  await socket.closed;
  // A bill that went on would have grown.
  await timePasses(100);
  expect(fc.meter().billedSeconds).toBe(billedSeconds);
});
