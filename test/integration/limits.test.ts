import type { Acknowledgement } from "@holdfast/client/protocol";
import { describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { connectRaw, RawClient } from "../support/raw-websocket.ts";
import { ask, type StockSocket } from "../support/stock-client.ts";
import { messageId, sessionId } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { type AuthRig, metricOf as metric, startAuthRig } from "./auth-rig.ts";

const rooms = { "*": "read write" };

const limitsMet = (rig: AuthRig, limit: string) => metric(rig, `limits_met_total{limit="${limit}"}`);

/** What a hook waits for. */
function deferred(): { readonly promise: Promise<void>; resolve(): void } {
  let settle: () => void = () => undefined;
  const promise = new Promise<void>((resolve) => {
    settle = resolve;
  });
  return { promise, resolve: () => settle() };
}

const publish = (socket: StockSocket) =>
  ask(socket, "message:publish", { room: "lobby", id: messageId(), event: "said", data: "hello" });

const refusals = (answers: readonly Acknowledgement<unknown>[]) =>
  answers.flatMap((answer) => (answer.ok ? [] : [answer.error]));

describe("connections", () => {
  test("beyond MAX_CONNECTIONS are refused with SERVER_FULL and a time to wait, and let in when one has gone", async () => {
    await using rig = await startAuthRig({}, { settings: { maxConnections: 2 } });
    const once = { reconnection: false };
    const first = await rig.stock({ token: await rig.token("ann", { rooms }) });
    await rig.stock({ token: await rig.token("ben", { rooms }) });
    const third = async () => rig.stock({ token: await rig.token("eve", { rooms }), socket: once });
    await expect(third()).rejects.toMatchObject({
      data: { code: "SERVER_FULL", retryable: true, retryAfterMs: expect.any(Number) },
    });
    expect(await limitsMet(rig, "connections")).toBe(1);
    first.disconnect();
    await waitFor(async () => (await metric(rig, "connections")) === 1, "the first one to be gone");
    await third();
  });

  test("of strangers that never ask to be admitted are bounded too", async () => {
    await using rig = await startAuthRig({}, { settings: { maxConnections: 2, allowedOrigins: "*" } });
    const sockets: WebSocket[] = [];
    const open = () =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(`${rig.server.url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`);
        sockets.push(socket);
        socket.on("open", () => resolve("open"));
        socket.on("error", () => resolve("refused"));
      });
    const outcomes: string[] = [];
    for (let index = 0; index < 6; index += 1) outcomes.push(await open());
    for (const socket of sockets) socket.terminate();
    expect(outcomes).toEqual(["open", "open", "open", "open", "refused", "refused"]);
    expect(await metric(rig, 'upgrades_refused_total{reason="connections"}')).toBe(2);
  });

  test("of one user beyond MAX_CONNECTIONS_PER_USER are refused with RATE_LIMITED, those of others are not", async () => {
    await using rig = await startAuthRig({}, { settings: { maxConnectionsPerUser: 2 } });
    const open = async (user: string) =>
      rig.stock({ token: await rig.token(user, { rooms }), socket: { reconnection: false } });
    const first = await open("ann");
    await open("ann");
    await expect(open("ann")).rejects.toMatchObject({
      data: { code: "RATE_LIMITED", retryAfterMs: expect.any(Number) },
    });
    await open("ben");
    expect(await limitsMet(rig, "connections per user")).toBe(1);
    first.disconnect();
    await waitFor(async () => (await metric(rig, "connections")) === 2, "the first one to be gone");
    await open("ann");
  });

  test("that are refused, or end while they are verified, keep no seat", async () => {
    await using rig = await startAuthRig(
      { authenticate: async () => null },
      { settings: { maxConnections: 50, auth: "anonymous" } },
    );
    for (let index = 0; index < 5; index += 1) {
      await expect(rig.stock({ socket: { reconnection: false } })).rejects.toMatchObject({
        data: { code: "UNAUTHENTICATED" },
      });
    }
    await waitFor(async () => (await metric(rig, "connections")) === 0, "no seat to be taken");
  });
});

test("a connection that goes away during its handshake keeps no seat", async () => {
  const answer = deferred();
  await using rig = await startAuthRig({
    authenticate: async () => {
      await answer.promise;
      return { user: "ann" };
    },
  });
  using client = new RawClient(rig.server.url, {});
  await waitFor(async () => (await metric(rig, "connections")) === 1, "the seat to be taken");
  client.terminate();
  await waitFor(async () => (await metric(rig, "websockets")) === 0, "the WebSocket to be gone");
  answer.resolve();
  await waitFor(async () => (await metric(rig, "connections")) === 0, "the seat to be free");
});

describe("publishes and signals of one user", () => {
  test("are counted over all connections and over HTTP, and refused with the time to wait", async () => {
    await using rig = await startAuthRig({}, { settings: { publishesPerSecond: 2 } });
    const token = await rig.token("ann", { rooms });
    const [first, second] = [await rig.stock({ token }), await rig.stock({ token })];
    const other = await rig.stock({ token: await rig.token("ben", { rooms }) });
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => publish(index % 2 ? first : second)));
    const refused = refusals(answers);
    // Five seconds' worth in a burst, and what came back meanwhile.
    expect(refused.length).toBeGreaterThan(5);
    expect(refused.length).toBeLessThanOrEqual(10);
    expect(refused[0]).toMatchObject({ code: "RATE_LIMITED", retryable: true, retryAfterMs: expect.any(Number) });
    const overHttp = await rig.call("/rooms/lobby/messages", {
      token,
      body: { id: messageId(), event: "said", data: "hello" },
    });
    expect(overHttp).toMatchObject({ status: 429, body: { error: { code: "RATE_LIMITED" } } });
    expect(await publish(other)).toMatchObject({ ok: true });
    expect(await limitsMet(rig, "publishes per second")).toBe(refused.length + 1);
    // The server's own side is not limited by it.
    await rig.server.publish("lobby", "said", "from the server", { user: "ann" });
  });

  test("of signals have a number of their own, over all connections and over HTTP", async () => {
    await using rig = await startAuthRig({}, { settings: { signalsPerSecond: 1 } });
    const token = await rig.token("ann", { rooms });
    const [first, second] = [await rig.stock({ token }), await rig.stock({ token })];
    const other = await rig.stock({ token: await rig.token("ben", { rooms }) });
    const signal = { room: "lobby", event: "typing", data: {} };
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => ask(index % 2 ? first : second, "signal:send", signal)),
    );
    expect(refusals(answers).map(({ code }) => code)).toEqual(["RATE_LIMITED", "RATE_LIMITED", "RATE_LIMITED"]);
    const body = { event: "typing", data: {} };
    expect(await rig.call("/rooms/lobby/signals", { token, body })).toMatchObject({ status: 429 });
    expect(await ask(other, "signal:send", signal)).toMatchObject({ ok: true });
    expect(await publish(first)).toMatchObject({ ok: true });
    // The server's own side is not limited by it.
    await rig.server.signal("lobby", "typing", {});
  });

  test("without a user are counted for each session", async () => {
    await using rig = await startAuthRig({}, { settings: { auth: "anonymous", publishesPerSecond: 1 } });
    const session = sessionId();
    const [first, second, other] = [await rig.stock({ session }), await rig.stock({ session }), await rig.stock({})];
    const answers = await Promise.all(Array.from({ length: 10 }, (_, index) => publish(index % 2 ? first : second)));
    expect(refusals(answers).length).toBeGreaterThan(3);
    expect(await publish(other)).toMatchObject({ ok: true });
  });

  test("that a client of the package sends too fast are all stored, once and in order", async () => {
    await using rig = await startAuthRig({}, { settings: { publishesPerSecond: 20 } });
    const client = rig.connect({ token: await rig.token("ann", { rooms }) });
    const room = client.join("lobby");
    const heard: string[] = [];
    room.on("said", (text) => heard.push(text));
    await room.ready;
    const texts = Array.from({ length: 130 }, (_, index) => String(index));
    await Promise.all(texts.map((text) => room.publish("said", text)));
    await waitFor(() => heard.length >= texts.length, "every message");
    expect(heard).toEqual(texts);
    expect(await limitsMet(rig, "publishes per second")).toBeGreaterThan(0);
  });
});

test("requests that wait for an answer are bounded", async () => {
  const answer = deferred();
  await using rig = await startAuthRig({
    requests: {
      "may:write": async () => {
        await answer.promise;
        return true;
      },
    },
  });
  const client = await connectRaw(rig.server.url, {
    auth: { protocol: 1, session: sessionId(), token: await rig.token("ann", { rooms }) },
  });
  const askMany = (length: number) =>
    Array.from({ length }, () => client.request("may:write", { room: "lobby" }, 20_000));
  const asked = askMany(1_950);
  // The tokens of the connection come back meanwhile: a thousand in a second.
  await waitFor(async () => {
    asked.push(...askMany(50));
    return (await limitsMet(rig, "waiting requests")) > 0;
  }, "a refusal");
  answer.resolve();
  const answers = (await Promise.all(asked)) as { readonly ok: boolean }[];
  expect(answers.filter(({ ok }) => ok).length).toBe(2_048);
  client.terminate();
});

test("a user's requests over HTTP are bounded as a connection's are", async () => {
  await using rig = await startAuthRig();
  const token = await rig.token("ann", { rooms });
  const read = async () => (await rig.call("/rooms/lobby/messages?limit=1", { token })).status;
  let statuses: number[] = [];
  await waitFor(async () => {
    statuses = await Promise.all(Array.from({ length: 100 }, read));
    return statuses.includes(429);
  }, "a refusal");
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  expect(await limitsMet(rig, "requests per second")).toBeGreaterThan(0);
});
