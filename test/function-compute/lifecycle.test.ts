import { expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { askJson, type Echo, only, openSocket, startFixture } from "./support.ts";

interface FixtureState {
  readonly hooks: Readonly<Record<"initialize" | "preStop", { method: string; controlPath: string }[]>>;
}

test("initialize is posted once per instance before its first request", async () => {
  await using fc = await startFixture({ initializer: { timeoutSeconds: 3 }, instanceConcurrency: 10 });
  await Promise.all([askJson(`${fc.url}/echo`), askJson(`${fc.url}/echo`)]);
  const { hooks } = await askJson<FixtureState>(`${fc.url}/state`);
  expect(hooks.initialize).toEqual([{ method: "POST", controlPath: "/initialize" }]);
});

test("hooks that are not configured are not called", async () => {
  await using fc = await startFixture({ instanceConcurrency: 10 });
  const lines: string[] = [];
  fc.events.on("instance:output", ({ line }) => lines.push(line));
  expect((await askJson<FixtureState>(`${fc.url}/state`)).hooks.initialize).toEqual([]);
  await fc.destroyInstance(only(fc).id);
  expect(lines.filter((line) => line.startsWith("pre-stop"))).toEqual([]);
});

test("the paths of the hooks can be reached from outside, with the control path of any request", async () => {
  await using fc = await startFixture({ initializer: { timeoutSeconds: 3 }, instanceConcurrency: 10 });
  await fetch(`${fc.url}/initialize`, { method: "POST", headers: { "x-fc-control-path": "/initialize" } });
  const { hooks } = await askJson<FixtureState>(`${fc.url}/state`);
  expect(hooks.initialize.map(({ controlPath }) => controlPath)).toEqual(["/initialize", "/http-invoke"]);
});

test("an initialize that fails or takes too long is a failed start", async () => {
  for (const env of [{ FIXTURE_INITIALIZE_STATUS: "500" }, { FIXTURE_INITIALIZE_MS: "2000" }]) {
    await using fc = await startFixture({ initializer: { timeoutSeconds: 0.3 } }, { env });
    expect((await fetch(`${fc.url}/echo`)).status).toBe(412);
  }
});

test("before an instance is destroyed its pre-stop is called, thawed, while its connections live on", async () => {
  await using fc = await startFixture(
    { preStop: { timeoutSeconds: 5 }, instanceConcurrency: 10 },
    { env: { FIXTURE_PRE_STOP_MS: "300" } },
  );
  await askJson(`${fc.url}/echo`);
  using socket = await openSocket(fc);
  const called = fc.events.next("instance:output", { where: ({ line }) => line === "pre-stop GET /pre-stop" });
  const { id } = only(fc);
  const destroyed = fc.destroyInstance(id);
  await called;
  expect(await socket.echo("during pre-stop")).toBe("during pre-stop");
  expect((await askJson<Echo>(`${fc.url}/echo`)).instanceId).not.toBe(id);
  await destroyed;
  expect((await socket.closed).code).toBe(1006);
});

test("a frozen instance is thawed for its pre-stop", async () => {
  await using fc = await startFixture({ preStop: { timeoutSeconds: 5 } });
  await askJson(`${fc.url}/echo`);
  await waitFor(() => only(fc).state === "frozen", "the instance to be frozen");
  const called = fc.events.next("instance:output", { where: ({ line }) => line === "pre-stop GET /pre-stop" });
  await fc.destroyInstance(only(fc).id);
  await called;
});

test("a pre-stop that takes too long does not hold the instance back", async () => {
  await using fc = await startFixture({ preStop: { timeoutSeconds: 0.2 } }, { env: { FIXTURE_PRE_STOP_MS: "5000" } });
  await askJson(`${fc.url}/echo`);
  const startedMs = performance.now();
  await fc.destroyInstance(only(fc).id);
  expect(performance.now() - startedMs).toBeLessThan(4500);
});

test("after an update new requests go to the new version and open connections stay on the old one", async () => {
  await using fc = await startFixture({ instanceConcurrency: 10 }, { env: { RELEASE: "1" } });
  using old = await openSocket(fc);
  await fc.update({ env: { RELEASE: "2" } });
  expect(await askJson(`${fc.url}/environment`)).toMatchObject({ RELEASE: "2" });
  using young = await openSocket(fc);
  expect(young.greeting.instanceId).not.toBe(old.greeting.instanceId);
  expect(await old.echo("old")).toBe("old");
  expect(fc.instances().map(({ version }) => version)).toEqual([1, 2]);
  const destroyed = fc.events.next("instance:destroyed");
  old.socket.close();
  expect(await destroyed).toEqual({ instanceId: old.greeting.instanceId, reason: "update" });
  expect(await young.echo("young")).toBe("young");
});

test("an update destroys the frozen instances of the old version", async () => {
  await using fc = await startFixture({ minInstances: 1 });
  const { id } = only(fc);
  const destroyed = fc.events.next("instance:destroyed", { where: ({ instanceId }) => instanceId === id });
  await fc.update({ settings: { timeoutSeconds: 7 } });
  expect((await destroyed).reason).toBe("update");
  expect((await askJson<Echo>(`${fc.url}/echo`)).headers["x-fc-function-timeout"]).toBe("7");
});

test("with concurrency 1 and no health check a client that goes away gets its instance replaced", async () => {
  await using fc = await startFixture({ timeoutSeconds: 10 });
  await askJson(`${fc.url}/echo`);
  const { id } = only(fc);
  const ended = fc.events.next("request:ended", { where: ({ status }) => status === 499 });
  const destroyed = fc.events.next("instance:destroyed");
  const abort = new AbortController();
  const asked = fetch(`${fc.url}/delay?ms=5000`, { signal: abort.signal });
  await waitFor(() => only(fc).inFlight === 1 && only(fc).state === "running", "the request to be under way");
  abort.abort();
  await expect(asked).rejects.toThrow();
  expect((await ended).instanceId).toBe(id);
  expect(await destroyed).toEqual({ instanceId: id, reason: "client-abort" });
  expect(only(fc).id).not.toBe(id);
});

test("a client that goes away restarts nothing with concurrency 2, or with a health check", async () => {
  const healthCheck = {
    httpGetUrl: "/health",
    initialDelaySeconds: 0,
    periodSeconds: 60,
    timeoutSeconds: 1,
    failureThreshold: 3,
    successThreshold: 1,
  };
  for (const settings of [{ instanceConcurrency: 2 }, { healthCheck }]) {
    await using fc = await startFixture({ timeoutSeconds: 10, ...settings });
    await askJson(`${fc.url}/echo`);
    const { id } = only(fc);
    const ended = fc.events.next("request:ended", { where: ({ status }) => status === 499 });
    const abort = new AbortController();
    const asked = fetch(`${fc.url}/delay?ms=5000`, { signal: abort.signal });
    await waitFor(() => only(fc).inFlight === 1 && only(fc).state === "running", "the request to be under way");
    abort.abort();
    await expect(asked).rejects.toThrow();
    await ended;
    expect((await askJson<Echo>(`${fc.url}/echo`)).instanceId).toBe(id);
  }
});

test("a client that gives up during a cold start leaves an instance that starts, is frozen and serves the next", async () => {
  await using fc = await startFixture({ coldStartMs: 300 });
  const abort = new AbortController();
  const asked = fetch(`${fc.url}/echo`, { signal: abort.signal });
  await waitFor(() => fc.instances().length === 1, "the instance to start");
  const { id } = only(fc);
  const ended = fc.events.next("request:ended");
  abort.abort();
  await expect(asked).rejects.toThrow();
  expect(await ended).toMatchObject({ status: 499, instanceId: null });
  await fc.events.next("instance:frozen");
  expect(only(fc)).toMatchObject({ id, served: 0, inFlight: 0 });
  expect((await askJson<Echo>(`${fc.url}/echo`)).instanceId).toBe(id);
});
