import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { dummyCredentials } from "../function-compute/identity.ts";
import type { FunctionCompute } from "../function-compute/index.ts";
import { startRedis } from "../support/redis-server.ts";
import { startServer } from "../support/server-process.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { timePasses, waitFor } from "../support/wait.ts";
import { gather } from "./crowd.ts";
import { publishSteadily } from "./publishing.ts";
import { deploy, inspect, logPositions, post } from "./rig.ts";

const initialize = { method: "POST", path: "/initialize" };
const preStop = { method: "GET", path: "/pre-stop" };

/** The file's health check in quick motion, so that a drain of seconds is noticed in time. */
const quickHealthCheck = {
  httpGetUrl: "/healthz",
  initialDelaySeconds: 0,
  periodSeconds: 0.1,
  timeoutSeconds: 1,
  failureThreshold: 2,
  successThreshold: 1,
};

function callHook(url: string, { method, path }: typeof initialize): Promise<Response> {
  return fetch(`${url}${path}`, { method, headers: { "x-fc-control-path": path } });
}

test("both lifecycle hooks are refused through the trigger, and clients stay connected", async () => {
  await using deployment = await deploy();
  const { fc } = deployment;
  await using crowd = await gather(fc.url, 2);
  for (const hook of [initialize, preStop]) expect((await callHook(fc.url, hook)).status).toBe(404);
  expect((await fetch(`${fc.url}/healthz`)).status).toBe(200);
  await crowd.first.room.publish("chat:message", { text: "fence" });
  for (const { recording, statuses } of crowd.members) {
    await recording.has("fence");
    expect(statuses).toEqual(["connecting", "connected"]);
  }
});

/** What makes a server serve the lifecycle hooks, where no emulator starts it. */
const onPlatform = { FC_FUNCTION_NAME: "holdfast", AUTH: "anonymous", ALLOWED_ORIGINS: "*" };

test("the initialize hook loads what the first request would wait for", async () => {
  await using redis = await startRedis();
  await using server = await startServer({ env: { ...onPlatform, REDIS_URL: redis.url } });
  await using admin = await inspect(redis);
  const cachedScripts = async () => /number_of_cached_scripts:(\d+)/.exec(await admin.client.info("memory"))?.[1];
  await admin.client.scriptFlush();
  expect(await cachedScripts()).toBe("0");
  expect((await callHook(server.url, initialize)).status).toBe(200);
  expect(await cachedScripts()).toBe("3");
});

test("a forged pre-stop costs the clients a move and nothing else: the instance serves again", async () => {
  await using redis = await startRedis();
  await using server = await startServer({ env: { ...onPlatform, REDIS_URL: redis.url, DRAIN_SECONDS: "1" } });
  await using crowd = await gather(server.url, 3);
  const stop = publishSteadily(crowd.first.room, 5);
  const forged = callHook(server.url, preStop);
  await waitFor(() => crowd.members.some(({ client }) => client.status === "moving"), "a client to be told to move");
  expect(await server.healthStatus()).toBe(503);
  expect((await forged).status).toBe(200);
  await server.ready();
  await waitFor(() => crowd.members.every(({ client }) => client.status === "connected"), "the moves to end");
  const sent = await stop();
  for (const { recording, statuses } of crowd.members) {
    await recording.has(sent.at(-1) ?? "");
    expect(recording.texts()).toEqual(sent);
    expect(statuses).not.toContain("reconnecting");
  }
});

test.each<[string, (fc: FunctionCompute, instance: { id: string; pid: number }) => Promise<void>]>([
  ["a planned destroy, with its pre-stop hook,", (fc, { id }) => fc.destroyInstance(id)],
  [
    "SIGTERM",
    async (fc, { id, pid }) => {
      process.kill(pid, "SIGTERM");
      // Without its last connection it is frozen, if it has not ended by then.
      const isOver = () => !fc.instances().some((instance) => instance.id === id && instance.state !== "frozen");
      await waitFor(isOver, "the instance to have no connection any more");
    },
  ],
])("%s moves the clients spread over the drain time, and nothing is lost or cut", async (_what, end) => {
  const drainSeconds = 6;
  await using deployment = await deploy({
    settings: { minInstances: 2, maxInstances: 3, healthCheck: quickHealthCheck },
    env: { DRAIN_SECONDS: String(drainSeconds), HISTORY_MAX_MESSAGES: "100000" },
  });
  const { fc, redis } = deployment;
  await using crowd = await gather(fc.url, 24);
  const [fullest] = [...fc.instances()].sort((a, b) => b.inFlight - a.inFlight);
  if (!fullest?.pid) throw new Error("expected a running instance");
  const stop = publishSteadily(crowd.first.room, 5);
  const startedMs = performance.now();
  const arrivals: number[] = [];
  fc.events.on("connection:opened", ({ instanceId }) => {
    if (instanceId !== fullest.id) arrivals.push(performance.now() - startedMs);
  });
  await end(fc, { id: fullest.id, pid: fullest.pid });
  await waitFor(() => crowd.members.every(({ client }) => client.status === "connected"), "the moves to end");
  const sent = await stop();

  expect(arrivals).toHaveLength(fullest.inFlight);
  expect((arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)).toBeGreaterThan((drainSeconds * 1000) / 10);
  expect(fc.counts().cuts).toBe(0);
  for (const { recording, statuses } of crowd.members) {
    await recording.has(sent.at(-1) ?? "");
    expect(recording.texts()).toEqual(sent);
    expect(recording.gaps).toEqual([]);
    expect(statuses).not.toContain("reconnecting");
  }
  expect(await logPositions(redis, crowd.first.room.name)).toEqual(
    crowd.first.recording.messages.map(({ position }) => position),
  );
});

test("an instance that drains answers 503 to health checks, and new connections go elsewhere", async () => {
  await using deployment = await deploy({
    settings: {
      minInstances: 2,
      maxInstances: 2,
      healthCheck: quickHealthCheck,
    },
    env: { DRAIN_SECONDS: "20" },
  });
  const { fc } = deployment;
  await using crowd = await gather(fc.url, 8);
  const draining = fc.instances().find(({ inFlight, pid }) => inFlight > 0 && pid !== null);
  if (!draining?.pid) throw new Error("expected a running instance");
  const unhealthy = fc.events.next("instance:health");
  process.kill(draining.pid, "SIGTERM");
  expect(await unhealthy).toEqual({ instanceId: draining.id, healthy: false });
  const opened: string[] = [];
  fc.events.on("connection:opened", ({ instanceId }) => opened.push(instanceId));
  await using _late = await gather(fc.url, 8, crowd.first.room.name);
  expect(opened.length).toBeGreaterThanOrEqual(8);
  expect(opened).not.toContain(draining.id);
});

test("the platform's credentials are in no log line and nowhere in a server's memory", {
  timeout: 60_000,
}, async () => {
  const folder = await mkdtemp(join(tmpdir(), "holdfast-heap-"));
  try {
    await using deployment = await deploy({
      env: { LOG_LEVEL: "trace" },
      nodeArgs: ["--heapsnapshot-signal=SIGUSR2"],
      workingDirectory: folder,
    });
    const { fc } = deployment;
    const lines: string[] = [];
    fc.events.on("instance:output", ({ line }) => lines.push(line));
    await using crowd = await gather(fc.url, 2);
    const answer = await post(fc, crowd.first.room.name, messageId(), "over HTTP");
    await crowd.first.recording.has("over HTTP");
    await waitFor(() => lines.some((line) => line.includes("connection opened")), "the log to speak of a connection");

    const [instance] = fc.instances();
    process.kill(instance?.pid ?? 0, "SIGUSR2");
    const snapshot = await waitFor(async () => completeSnapshot(folder), "the heap snapshot", 30_000);
    for (const secret of Object.values(dummyCredentials)) {
      expect(lines.join("\n")).not.toContain(secret);
      expect(snapshot.includes(secret)).toBe(false);
    }
    // What Socket.IO does keep of the handshake is there: the look into the memory sees it.
    expect(answer.headers.get("x-fc-request-id")).toBeTruthy();
    expect(snapshot.includes("/http-invoke")).toBe(true);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

/** The text of the heap snapshot in a folder, or undefined while there is none or it is still being written. */
async function completeSnapshot(folder: string): Promise<string | undefined> {
  const [file] = (await readdir(folder)).filter((name) => name.endsWith(".heapsnapshot"));
  if (file === undefined) return undefined;
  const text = await readFile(join(folder, file), "utf8");
  return text.trimEnd().endsWith("}") ? text : undefined;
}

/** Node.js closes a connection that was idle for 5 s, unless told otherwise. */
const longerThanTheDefaultMs = 6_500;

test("a POST on a connection that the gateway kept idle for longer than Node.js's default works", async () => {
  await using deployment = await deploy({ settings: { maxInstances: 1 } });
  const { fc } = deployment;
  // Keeps the instance from being frozen: frozen, it could not close anything.
  await using crowd = await gather(fc.url, 1);
  const room = uniqueRoom();
  expect((await post(fc, room, messageId(), "first")).status).toBe(201);
  // The pause itself, in which Node.js would close the connection.
  await timePasses(longerThanTheDefaultMs);
  expect((await post(fc, room, messageId(), "after the pause")).status).toBe(201);
  expect(crowd.first.statuses).toEqual(["connecting", "connected"]);
});
