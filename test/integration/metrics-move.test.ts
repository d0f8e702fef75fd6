import { channel, subscribe, unsubscribe } from "node:diagnostics_channel";
import { expect, test } from "vitest";
import { channels } from "../../server/src/telemetry/channels.ts";
import { metrics } from "../../server/src/telemetry/metrics.ts";
import { cell, codes, read, tableUnder } from "../support/markdown.ts";
import { samplesIn } from "../support/metrics.ts";
import { connectRaw } from "../support/raw-websocket.ts";
import { ask, askData, collect } from "../support/stock-client.ts";
import { messageId, sessionId } from "../support/unique.ts";
import { timePasses, waitFor } from "../support/wait.ts";
import { type AuthRig, startAuthRig } from "./auth-rig.ts";

const rooms = { "*": "read write" };
const channelNames = Object.keys(channels);

/** What was published on all channels while this listens, the server that it was of among it. */
function listen() {
  const heard = new Map<string, object[]>();
  const listeners = channelNames.map((name) => {
    const listener = (event: unknown) => void heard.set(name, [...(heard.get(name) ?? []), Object(event)]);
    subscribe(name, listener);
    return { name, listener };
  });
  return {
    heard,
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) unsubscribe(name, listener);
    },
  };
}

/** Remembers which metrics of a server were anything but 0 when they were read. */
class Seen {
  readonly names = new Set<string>();
  readonly #server: AuthRig["server"];

  constructor(server: AuthRig["server"]) {
    this.#server = server;
  }

  async read(): Promise<ReadonlyMap<string, number>> {
    const samples = samplesIn(await this.#server.metrics());
    for (const [sample, value] of samples) {
      const [series = ""] = sample.split("{");
      if (value > 0) this.names.add(series.replace(/^holdfast_/, "").replace(/_(bucket|sum|count)$/, ""));
    }
    return samples;
  }

  async until(sample: string, isReached: (value: number) => boolean = (value) => value > 0): Promise<void> {
    await waitFor(async () => isReached((await this.read()).get(`holdfast_${sample}`) ?? 0), sample);
  }
}

async function talk(rig: AuthRig, seen: Seen): Promise<void> {
  const client = rig.connect({ token: () => rig.token("ann", { rooms }) });
  const room = client.join("lobby", { presence: { name: "ann" } });
  await room.ready;
  const stock = await rig.stock({ token: await rig.token("ben", { rooms }) });
  const { position } = await askData(stock, "room:join", { room: "lobby" });
  await seen.until('joins_total{kind="first"}', (joins) => joins === 2);
  const said = { room: "lobby", id: messageId(), event: "said", data: "hello" };
  for (let sent = 0; sent < 2; sent += 1) await askData(stock, "message:publish", said);
  const { messages } = await askData(stock, "room:join", { room: "lobby", since: position });
  expect(messages).toHaveLength(1);
  await askData(stock, "signal:send", { room: "lobby", event: "typing", data: {} });
  await seen.until("signal_deliveries_total", (given) => given === 1);
  const samples = await seen.read();
  expect(Object.fromEntries(samples)).toMatchObject({
    holdfast_websockets: 2,
    holdfast_connections: 2,
    holdfast_sessions: 2,
    holdfast_rooms: 1,
    holdfast_members: 1,
    holdfast_rooms_watched: 1,
    'holdfast_joins_total{kind="resumed"}': 1,
    'holdfast_publishes_total{outcome="stored"}': 1,
    'holdfast_publishes_total{outcome="duplicate"}': 1,
    // The repeat was an append, too, and one that told nobody anything.
    holdfast_batch_messages_count: 2,
    holdfast_batch_messages_sum: 2,
    holdfast_publish_to_append_seconds_count: 2,
    holdfast_append_to_deliver_seconds_count: 1,
    holdfast_deliveries_total: 2,
    holdfast_replayed_messages_total: 1,
    holdfast_gaps_total: 0,
    holdfast_member_joins_total: 1,
  });
  await room.leave();
  await seen.until('member_leaves_total{reason="left"}');
  await client.close();
  await seen.until('connections_closed_total{ending="client"}');
}

async function refuse(rig: AuthRig, seen: Seen): Promise<void> {
  const token = await rig.token("ann", { rooms: { lobby: "read write" } });
  const stock = await rig.stock({ token });
  const large = { room: "lobby", id: messageId(), event: "said", data: "x".repeat(70_000) };
  expect(await ask(stock, "message:publish", large)).toMatchObject({ error: { code: "PAYLOAD_TOO_LARGE" } });
  await seen.until('limits_met_total{limit="data"}');
  await seen.until('refusals_total{door="socket",code="PAYLOAD_TOO_LARGE"}');
  const extraHeaders = { origin: "https://stranger.example" };
  await expect(rig.stock({ token, socket: { reconnection: false, extraHeaders } })).rejects.toThrow();
  await seen.until('upgrades_refused_total{reason="origin"}');
}

async function readSlowly(rig: AuthRig, seen: Seen): Promise<void> {
  const auth = { protocol: 1, session: sessionId(), token: await rig.token("ben", { rooms }) };
  using slow = await connectRaw(rig.server.url, { auth });
  await slow.request("room:join", { room: "large" });
  slow.pause();
  await waitFor(async () => {
    await rig.server.publish("large", "said", "x".repeat(60_000));
    await rig.server.signal("large", "typing", {});
    return ((await seen.read()).get('holdfast_connections_cut_total{reason="slow reader"}') ?? 0) > 0;
  }, "the slow reader to be cut");
  await seen.until('connections_closed_total{ending="broken"}');
}

async function move(rig: AuthRig, seen: Seen): Promise<void> {
  const client = rig.connect({ token: () => rig.token("ann", { rooms }) });
  await client.join("lobby").ready;
  await seen.until('moves_total{reason="timeout",outcome="moved"}');
  await client.close();
  const stock = await rig.stock({ token: await rig.token("ben", { rooms }), socket: { reconnection: false } });
  using expiring = collect(stock, "connection:expiring");
  await expiring.waitFor(({ reason }) => reason === "timeout", "the notice to move");
  stock.io.engine.close();
  await seen.until('moves_total{reason="timeout",outcome="cut"}');
  const short = await rig.token("ben", { rooms, expiresInSeconds: 2 });
  const renewing = await rig.stock({ token: short });
  using aging = collect(renewing, "connection:expiring");
  await aging.waitFor(({ reason }) => reason === "token", "the notice of the token's end");
  await askData(renewing, "token:refresh", { token: await rig.token("ben", { rooms }) });
  await seen.until('moves_total{reason="token",outcome="renewed"}');
}

async function loseRedis(rig: AuthRig, seen: Seen): Promise<void> {
  const { position } = await rig.server.publish("lobby", "said", "before");
  rig.redis.freeze();
  // The second one waits for the first, which is on its way to Redis.
  const sent = [1, 2].map(() => rig.server.publish("lobby", "said", "while it is frozen"));
  const settled = Promise.allSettled(sent);
  await seen.until("publish_waiting_bytes");
  await settled;
  await seen.until('redis_failures_total{link="commands",reason="unanswered"}');
  await seen.until("redis_commands_up", (up) => up === 0);
  rig.redis.thaw();
  await rig.redis.restart({ keepData: false });
  await seen.until("redis_commands_up", (up) => up === 1);
  await seen.until('redis_links_lost_total{link="commands"}');
  await waitFor(async () => (await rig.server.publish("lobby", "said", "after")).position, "Redis to store again");
  await seen.until("losses_total");
  const stock = await rig.stock({ token: await rig.token("ben", { rooms }) });
  expect(await askData(stock, "room:join", { room: "lobby", since: position })).toMatchObject({ recovered: false });
  await seen.until("gaps_total");
}

async function block(seen: Seen): Promise<void> {
  await seen.read();
  // After it was read, the delay is measured from the next of its timers on.
  await timePasses(100);
  const endMs = performance.now() + 300;
  while (performance.now() < endMs);
  // The timer that was late has to come before it can be read.
  await timePasses(50);
  await seen.until('event_loop_delay_seconds{quantile="1"}', (delay) => delay > 0.2);
}

async function drain(rig: AuthRig, seen: Seen): Promise<void> {
  const stock = await rig.stock({ token: await rig.token("ben", { rooms }) });
  using expiring = collect(stock, "connection:expiring");
  const closed = rig.server.close();
  await seen.until("draining");
  await expiring.waitFor(({ reason }) => reason === "drain", "the notice to move");
  await seen.until('moves_asked_total{reason="drain"}');
  stock.disconnect();
  await closed;
}

test("every metric moves with what happens on its own server, and every event says which that is", async () => {
  using events = listen();
  const settings = { functionTimeoutSeconds: 4, drainSeconds: 5, allowedOrigins: "https://app.example" };
  await using rig = await startAuthRig({}, { instances: 2, settings });
  const seen = new Seen(rig.server);
  const other = rig.servers[1] ?? rig.server;
  const otherBefore = samplesIn(await other.metrics());
  await talk(rig, seen);
  await refuse(rig, seen);
  await readSlowly(rig, seen);
  await move(rig, seen);
  const otherAfter = samplesIn(await other.metrics());
  await loseRedis(rig, seen);
  await block(seen);
  await drain(rig, seen);
  expect(Object.keys(metrics).filter((name) => !seen.names.has(name))).toEqual([]);

  // The other server has its own commands to Redis, and the process' event loop.
  const isOfAll = (sample: string) => /^holdfast_(redis|event_loop)/.test(sample);
  const changed = [...otherAfter].filter(([sample, value]) => !isOfAll(sample) && value !== otherBefore.get(sample));
  expect(changed).toEqual([]);

  const documented = tableUnder(read("server/README.md"), "Events").map((row) => ({
    name: codes(cell(row, "Channel"))[0],
    fields: codes(cell(row, "Beside `server`")).toSorted(),
  }));
  for (const { name = "", fields } of documented) {
    const heard = events.heard.get(name) ?? [];
    expect(heard.length, name).toBeGreaterThan(0);
    for (const event of heard) {
      const { server, ...rest } = event as { server?: unknown };
      expect(rig.servers).toContain(server);
      expect(Object.keys(rest).toSorted(), name).toEqual(fields);
    }
  }
}, 120_000);

test("a server that is closed, and one that nobody can ask, listens to nothing", async () => {
  const isHeard = () => channelNames.filter((name) => channel(name).hasSubscribers);
  {
    await using rig = await startAuthRig();
    expect(isHeard()).not.toEqual([]);
    await rig.server.close();
    expect(isHeard()).toEqual([]);
  }
  const closed = { nodeEnv: "production", allowedOrigins: "https://app.example", adminToken: undefined };
  await using rig = await startAuthRig({}, { settings: closed });
  expect(isHeard()).toEqual([]);
  // An application that asks has its answers from then on.
  expect(samplesIn(await rig.server.metrics()).get("holdfast_signals_total")).toBe(0);
  await rig.server.signal("lobby", "typing", {});
  expect(samplesIn(await rig.server.metrics()).get("holdfast_signals_total")).toBe(1);
});
