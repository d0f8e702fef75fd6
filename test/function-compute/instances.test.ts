import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { timePasses, waitFor } from "../support/wait.ts";
import { askJson, type Echo, only, openSocket, startFixture } from "./support.ts";

/** The kernel's word for what a process does: R and S run, T is stopped. */
function kernelState(pid: number | null): string | undefined {
  return /^State:\s+(\S)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
}

test("an instance gets its port, its name and its size from the environment", async () => {
  await using fc = await startFixture(
    { functionName: "rooms", region: "cn-shanghai", memoryMb: 1024, environmentVariables: { FROM_FILE: "1" } },
    { env: { FROM_CALLER: "2" } },
  );
  const environment = await askJson<Record<string, string>>(`${fc.url}/environment`);
  expect(environment).toMatchObject({
    FC_FUNCTION_NAME: "rooms",
    FC_REGION: "cn-shanghai",
    FC_FUNCTION_MEMORY_SIZE: "1024",
    FC_INSTANCE_ID: only(fc).id,
    FC_FUNCTION_VERSION: "LATEST",
    FC_ACCOUNT_ID: expect.stringMatching(/^\d{16}$/),
    FC_CUSTOM_LISTEN_PORT: expect.stringMatching(/^\d+$/),
    FROM_FILE: "1",
    FROM_CALLER: "2",
  });
});

test("an instance sees nothing of the machine's own environment but PATH and HOME", async () => {
  await using fc = await startFixture();
  const names = Object.keys(await askJson<Record<string, string>>(`${fc.url}/environment`));
  expect(names.filter((name) => !name.startsWith("FC_")).sort()).toEqual(["HOME", "PATH"]);
});

test("variables that start with FC_ or take more than 4 KB are refused", async () => {
  await expect(startFixture({}, { env: { FC_MINE: "1" } })).rejects.toThrow("FC_MINE");
  await expect(startFixture({}, { env: { LARGE: "x".repeat(4092) } })).rejects.toThrow("4096");
});

test("a server that listens on 127.0.0.1 only is never ready and the request is answered with 412", async () => {
  await using fc = await startFixture({ startTimeoutMs: 600 }, { env: { FIXTURE_HOST: "127.0.0.1" } });
  const destroyed = fc.events.next("instance:destroyed");
  const answer = await fetch(`${fc.url}/echo`);
  expect(answer.status).toBe(412);
  expect(await answer.json()).toMatchObject({ ErrorCode: "FunctionNotStarted" });
  expect((await destroyed).reason).toBe("start-failed");
});

test("a process that exits while it starts answers 412 with its last words", async () => {
  await using fc = await startFixture({}, { env: { FIXTURE_EXIT_AT_START: "1" } });
  const answer = await fetch(`${fc.url}/echo`);
  expect(answer.status).toBe(412);
  expect(await answer.json()).toMatchObject({
    ErrorCode: "CAExited",
    ErrorMessage: expect.stringMatching(/exit code 3\n.*the fixture gives up/s),
  });
});

test("a command that does not exist answers 412", async () => {
  await using fc = await startFixture({}, { command: ["/no/such/program"] });
  expect((await fetch(`${fc.url}/echo`)).status).toBe(412);
});

test("a cold start takes the configured time longer, and only the first request waits for it", async () => {
  await using fc = await startFixture({ coldStartMs: 400, instanceConcurrency: 2 });
  const started = fc.events.next("instance:started");
  const askedMs = performance.now();
  await askJson(`${fc.url}/echo`);
  expect(performance.now() - askedMs).toBeGreaterThan(400);
  expect((await started).startMs).toBeGreaterThanOrEqual(400);
  await askJson(`${fc.url}/echo`);
  expect(only(fc).served).toBe(2);
});

test("an instance is frozen as soon as its last request ends, its timers stop, and the next request thaws it", async () => {
  await using fc = await startFixture({ instanceConcurrency: 10 });
  const frozen = fc.events.next("instance:frozen");
  await askJson(`${fc.url}/echo`);
  await frozen;
  const { pid } = only(fc);
  expect(only(fc).state).toBe("frozen");
  await waitFor(() => kernelState(pid) === "T", "the process to be stopped");
  // So long it is frozen at least; its own timer, every 20 ms, would have run.
  await timePasses(300);
  const thawed = fc.events.next("instance:thawed");
  const { longestPauseMs } = await askJson<{ longestPauseMs: number }>(`${fc.url}/longest-pause`);
  expect((await thawed).frozenMs).toBeGreaterThanOrEqual(300);
  expect(longestPauseMs).toBeGreaterThanOrEqual(250);
  expect(only(fc).pid).toBe(pid);
});

test("an open WebSocket keeps its instance from being frozen, and its end freezes it", async () => {
  await using fc = await startFixture({ instanceConcurrency: 10 });
  using socket = await openSocket(fc);
  await askJson(`${fc.url}/echo`);
  expect(only(fc)).toMatchObject({ state: "running", inFlight: 1 });
  const frozen = fc.events.next("instance:frozen");
  socket.socket.close();
  await frozen;
  expect(only(fc)).toMatchObject({ state: "frozen", inFlight: 0 });
});

test("a WebSocket handshake thaws a frozen instance", async () => {
  await using fc = await startFixture({ instanceConcurrency: 10, maxInstances: 1 });
  await askJson(`${fc.url}/echo`);
  await waitFor(() => only(fc).state === "frozen", "the instance to be frozen");
  using socket = await openSocket(fc);
  expect(await socket.echo("awake")).toBe("awake");
  expect(only(fc).state).toBe("running");
});

test("a frozen instance is destroyed after the idle time, and not before", async () => {
  await using fc = await startFixture({ idleMs: 400 });
  // Both moments are taken as they happen: a busy process runs what awaits them later, and by how much differs.
  const atMs = { frozen: 0, destroyed: 0 };
  fc.events.on("instance:frozen", () => {
    atMs.frozen = performance.now();
  });
  fc.events.on("instance:destroyed", () => {
    atMs.destroyed = performance.now();
  });
  const destroyed = fc.events.next("instance:destroyed");
  await askJson(`${fc.url}/echo`);
  expect((await destroyed).reason).toBe("idle");
  expect(atMs.destroyed - atMs.frozen).toBeGreaterThan(390);
  expect(fc.instances()).toEqual([]);
});

test("the minimum of instances is there from the start, frozen, and outlives the idle time", async () => {
  await using fc = await startFixture({ minInstances: 2, idleMs: 50 });
  expect(fc.instances().map(({ state }) => state)).toEqual(["frozen", "frozen"]);
  let started = 0;
  fc.events.on("instance:started", () => {
    started += 1;
  });
  // A third instance, beyond the minimum, comes and goes, twice; if the minimum went too, more would have come.
  for (let round = 1; round <= 2; round += 1) {
    using first = await openSocket(fc);
    using second = await openSocket(fc);
    using third = await openSocket(fc);
    const destroyed = fc.events.next("instance:destroyed");
    for (const { socket } of [first, second, third]) socket.close();
    expect((await destroyed).reason).toBe("idle");
    expect(fc.instances()).toHaveLength(2);
    // Three times the idle time, after which the rest would be destroyed and replaced.
    await timePasses(150);
    expect(started).toBe(round);
  }
});

test("requests beyond the concurrency start more instances, up to the maximum, and then 429", async () => {
  await using fc = await startFixture({ instanceConcurrency: 2, maxInstances: 2 });
  const delayed = [1, 2, 3, 4].map(() => fetch(`${fc.url}/delay?ms=700`));
  await waitFor(() => fc.instances().reduce((sum, { inFlight }) => sum + inFlight, 0) === 4, "four requests");
  const refused = await fetch(`${fc.url}/echo`);
  expect(refused.status).toBe(429);
  expect(refused.headers.get("x-fc-error-type")).toBe("FcCommonError");
  expect(await refused.json()).toMatchObject({ ErrorCode: "ResourceExhausted" });
  expect(fc.instances().map(({ inFlight }) => inFlight)).toEqual([2, 2]);
  expect((await Promise.all(delayed)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
});

test("two requests of one client reach different instances, cookie or not", async () => {
  let turn = 0;
  const random = () => [0, 0.99][turn++ % 2] ?? 0;
  await using fc = await startFixture({ minInstances: 2, instanceConcurrency: 10 }, { random });
  const headers = { cookie: "affinity=1" };
  const first = await askJson<Echo>(`${fc.url}/echo`, { headers });
  const second = await askJson<Echo>(`${fc.url}/echo`, { headers });
  expect(second.instanceId).not.toBe(first.instanceId);
});

test("a process that dies answers 502 to its requests, cuts its sockets, and is replaced", async () => {
  await using fc = await startFixture({ instanceConcurrency: 10, timeoutSeconds: 10 });
  using socket = await openSocket(fc);
  const destroyed = fc.events.next("instance:destroyed");
  const dying = await fetch(`${fc.url}/exit`);
  expect(dying.status).toBe(502);
  expect((await socket.closed).code).toBe(1006);
  expect(await destroyed).toEqual({ instanceId: socket.greeting.instanceId, reason: "exited" });
  expect(fc.counts()).toMatchObject({ cuts: 1, connections: 0 });
  expect((await askJson<Echo>(`${fc.url}/echo`)).instanceId).not.toBe(socket.greeting.instanceId);
});

test("a minimum instance that is killed from outside is replaced without a request", async () => {
  await using fc = await startFixture({ minInstances: 1 });
  const { pid } = only(fc);
  const started = fc.events.next("instance:started");
  process.kill(pid ?? 0, "SIGKILL");
  await started;
  expect(only(fc).pid).not.toBe(pid);
});

test("closing the emulator leaves no process behind, frozen or not", async () => {
  const fc = await startFixture({ instanceConcurrency: 1, minInstances: 1 });
  using socket = await openSocket(fc);
  using second = await openSocket(fc);
  const pids = fc.instances().map(({ pid }) => pid ?? 0);
  expect(pids).toHaveLength(2);
  second.socket.close();
  await fc.events.next("instance:frozen");
  await fc.close();
  for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow("ESRCH");
  expect((await socket.closed).code).toBe(1006);
});
