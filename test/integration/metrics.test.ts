import { expect, test } from "vitest";
import { call } from "../support/http-call.ts";
import { startInstances } from "../support/instances.ts";
import { samplesIn } from "../support/metrics.ts";
import { ask, askData, connectStock } from "../support/stock-client.ts";
import { messageId } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { type AuthRig, adminToken, startAuthRig } from "./auth-rig.ts";

const rooms = { "*": "read write" };
const asAdmin = { headers: { authorization: `Bearer ${adminToken}` } };

async function metricsOf(url: string): Promise<ReadonlyMap<string, number>> {
  const answer = await fetch(`${url}/metrics`, asAdmin);
  expect(answer.headers.get("content-type")).toContain("text/plain; version=0.0.4");
  return samplesIn(await answer.text());
}

async function scene(rig: AuthRig) {
  const token = await rig.token("ann", { rooms: { "*": "read write", secret: "" } });
  const socket = await rig.stock({ token });
  await askData(socket, "room:join", { room: "lobby" });
  return { token, socket };
}

test("what happens is counted, at whichever door", async () => {
  await using rig = await startAuthRig();
  const { token, socket } = await scene(rig);
  const id = messageId();
  const said = { room: "lobby", id, event: "said", data: "hello" };
  await askData(socket, "message:publish", said);
  await askData(socket, "message:publish", said);
  await rig.call("/rooms/lobby/messages", { token, body: { id: messageId(), event: "said", data: "over HTTP" } });
  await askData(socket, "signal:send", { room: "lobby", event: "typing", data: {} });
  expect(await ask(socket, "room:join", { room: "secret" })).toMatchObject({ error: { code: "FORBIDDEN" } });
  expect(await rig.call("/rooms/secret/messages", { token })).toMatchObject({ status: 403 });
  await expect(rig.stock({ socket: { reconnection: false } })).rejects.toMatchObject({
    data: { code: "UNAUTHENTICATED" },
  });
  const metrics = await metricsOf(rig.server.url);
  expect(Object.fromEntries(metrics)).toMatchObject({
    holdfast_connections: 1,
    holdfast_connections_opened_total: 1,
    holdfast_rooms: 1,
    holdfast_redis_commands_up: 1,
    holdfast_redis_subscriptions_up: 1,
    holdfast_draining: 0,
    'holdfast_publishes_total{outcome="stored"}': 2,
    'holdfast_publishes_total{outcome="duplicate"}': 1,
    holdfast_signals_total: 1,
    'holdfast_refusals_total{door="socket",code="FORBIDDEN"}': 1,
    'holdfast_refusals_total{door="http",code="FORBIDDEN"}': 1,
    'holdfast_refusals_total{door="handshake",code="UNAUTHENTICATED"}': 1,
    holdfast_gaps_total: 0,
  });
});

test("a gap that a member is told is counted", async () => {
  await using rig = await startAuthRig();
  const { socket } = await scene(rig);
  const { position } = await rig.server.publish("lobby", "said", "hello");
  await rig.call("/admin/rooms/lobby/clear", { token: adminToken, body: {} });
  expect(await askData(socket, "room:join", { room: "lobby", since: position })).toMatchObject({ recovered: false });
  expect((await metricsOf(rig.server.url)).get("holdfast_gaps_total")).toBe(1);
});

test("Redis being away shows, and that it is back", async () => {
  await using rig = await startAuthRig();
  const isUp = async () => {
    const metrics = await metricsOf(rig.server.url);
    return metrics.get("holdfast_redis_commands_up") === 1 && metrics.get("holdfast_redis_subscriptions_up") === 1;
  };
  await rig.redis.kill();
  await waitFor(async () => !(await isUp()), "Redis to be away");
  await rig.redis.start();
  await waitFor(isUp, "Redis to be back", 15_000);
});

test("two servers in one process count for themselves", async () => {
  await using rig = await startAuthRig({}, { instances: 2 });
  await rig.stock({ token: await rig.token("ann", { rooms }) }, 1);
  const opened = await Promise.all(
    rig.servers.map(async ({ url }) => (await metricsOf(url)).get("holdfast_connections_opened_total")),
  );
  expect(opened).toEqual([0, 1]);
});

test("the metrics ask for the admin token, and are not there in production without one", async () => {
  await using rig = await startAuthRig();
  for (const token of [undefined, "wrong", await rig.token("ann", { rooms })]) {
    expect(await rig.call("/metrics", token === undefined ? {} : { token })).toMatchObject({
      status: 401,
      body: { error: { code: "UNAUTHENTICATED" } },
    });
  }
  const env = { NODE_ENV: "production", AUTH: "anonymous", ALLOWED_ORIGINS: "https://app.example" };
  await using production = await startInstances(1, { env });
  expect(await call(production.url(0), "/metrics")).toMatchObject({ status: 404 });
});

test("an origin that is not allowed is counted, and its WebSocket refused", async () => {
  await using rig = await startAuthRig({}, { settings: { allowedOrigins: "https://*.app.example" } });
  const open = async (origin: string) =>
    connectStock(rig.server.url, {
      token: await rig.token("ann", { rooms }),
      socket: { reconnection: false, extraHeaders: { origin } },
    });
  (await open("https://www.app.example")).disconnect();
  await expect(open("https://app.example")).rejects.toThrow();
  expect((await metricsOf(rig.server.url)).get('holdfast_upgrades_refused_total{reason="origin"}')).toBe(1);
});

test("origins that are refused fill no log: few lines, and little of what a stranger sent", async () => {
  await using rig = await startAuthRig({}, { settings: { allowedOrigins: "https://app.example" } });
  const origin = `https://${"x".repeat(8_000)}.example`;
  const open = () => connectStock(rig.server.url, { socket: { reconnection: false, extraHeaders: { origin } } });
  await Promise.allSettled(Array.from({ length: 60 }, open));
  expect((await metricsOf(rig.server.url)).get('holdfast_upgrades_refused_total{reason="origin"}')).toBe(60);
  const lines = rig.logged.filter((line) => line.includes("origin not allowed"));
  expect(lines.length).toBeLessThan(30);
  for (const line of lines) expect(line.length).toBeLessThan(400);
});
