import { expect, test } from "vitest";
import { timePasses, waitFor } from "../support/wait.ts";
import type { FunctionCompute } from "./index.ts";
import { askJson, type Echo, only, openSocket, refusedWith, startFixture, statusAndCode } from "./support.ts";

// What no source confirms is a setting: here each is seen to make the difference that it names.

interface FixtureState {
  readonly hooks: Readonly<Record<"initialize" | "preStop", { method: string; controlPath?: string }[]>>;
}

const frozen = (fc: FunctionCompute) => waitFor(() => only(fc).state === "frozen", "the instance to be frozen");

function outputOf(fc: FunctionCompute): string[] {
  const lines: string[] = [];
  fc.events.on("instance:output", ({ line }) => lines.push(line));
  return lines;
}

test("hooks surround the life of an instance, or each freeze as well", async () => {
  for (const [hooks, initialized, stopped] of [
    ["life", 1, 0],
    ["life-and-freezes", 2, 1],
  ] as const) {
    const hook = { timeoutSeconds: 5 };
    await using fc = await startFixture({ hooks, initializer: hook, preStop: hook });
    await askJson(`${fc.url}/echo`);
    await frozen(fc);
    const state = await askJson<FixtureState>(`${fc.url}/state`);
    expect(state.hooks.initialize, hooks).toHaveLength(initialized);
    expect(state.hooks.preStop, hooks).toHaveLength(stopped);
  }
});

test("a request that comes during the hook before a freeze prevents it", async () => {
  const settings = { hooks: "life-and-freezes", preStop: { timeoutSeconds: 5 }, instanceConcurrency: 10 } as const;
  await using fc = await startFixture(settings, { env: { FIXTURE_PRE_STOP_MS: "300" } });
  const lines = outputOf(fc);
  await askJson(`${fc.url}/echo`);
  await waitFor(() => lines.some((line) => line.startsWith("pre-stop")), "the hook");
  using socket = await openSocket(fc);
  // Longer than the hook takes.
  await timePasses(400);
  expect(await socket.echo("still here")).toBe("still here");
  expect(only(fc).state).toBe("running");
});

test("a pre-stop names itself, or does not", async () => {
  for (const preStopControlPath of ["/pre-stop", null] as const) {
    await using fc = await startFixture({ preStopControlPath, preStop: { timeoutSeconds: 5 } });
    const lines = outputOf(fc);
    await askJson(`${fc.url}/echo`);
    await fc.destroyInstance(only(fc).id);
    expect(lines).toContain(`pre-stop GET ${preStopControlPath ?? "undefined"}`);
  }
});

test("between its pre-stop and its end a process gets SIGTERM, or nothing", async () => {
  for (const [signalAtEnd, seen] of [
    ["SIGTERM", 1],
    [null, 0],
  ] as const) {
    await using fc = await startFixture({ signalAtEnd, preStop: { timeoutSeconds: 5 } });
    const lines = outputOf(fc);
    await askJson(`${fc.url}/echo`);
    await fc.destroyInstance(only(fc).id);
    expect(lines.filter((line) => line === "SIGTERM arrived")).toHaveLength(seen);
  }
});

test("a client's own x-fc headers reach the instance where the gateway keeps them", async () => {
  await using fc = await startFixture({ forgedHeaders: "kept", instanceConcurrency: 2 });
  const forged = { "x-fc-control-path": "/pre-stop", "x-fc-function-timeout": "1" };
  using socket = await openSocket(fc, "/", forged);
  for (const { headers } of [await askJson<Echo>(`${fc.url}/echo`, { headers: forged }), socket.greeting]) {
    expect(headers).toMatchObject(forged);
    expect(headers["x-fc-request-id"]).toBeTruthy();
  }
});

test("a failed initializer is answered with 412, or with a 200 that says so in a header alone", async () => {
  for (const failedInitializer of [412, 200] as const) {
    await using fc = await startFixture(
      { failedInitializer, initializer: { timeoutSeconds: 1 } },
      { env: { FIXTURE_INITIALIZE_STATUS: "500" } },
    );
    const answer = await fetch(`${fc.url}/echo`);
    expect(answer.status).toBe(failedInitializer);
    expect(answer.headers.get("x-fc-error-type")).toBe(
      failedInitializer === 200 ? "FunctionInitError" : "FcCommonError",
    );
    expect(await refusedWith(openSocket(fc))).toBe(failedInitializer);
  }
});

test("the instance hears later that its client is gone", async () => {
  const clientGoneMs = 400;
  await using fc = await startFixture({ clientGoneMs, instanceConcurrency: 10 });
  const socket = await openSocket(fc);
  const closed = fc.events.next("connection:closed");
  const goneMs = performance.now();
  socket.socket.terminate();
  expect(await closed).toMatchObject({ by: "client", clean: false });
  expect(performance.now() - goneMs).toBeGreaterThanOrEqual(clientGoneMs - 5);
  // A goodbye with a close frame reaches the instance as it is.
  const other = await openSocket(fc);
  const clean = fc.events.next("connection:closed");
  const startedMs = performance.now();
  other.socket.close();
  expect((await clean).clean).toBe(true);
  expect(performance.now() - startedMs).toBeLessThan(clientGoneMs);
});

test("an asynchronous invocation is answered with 202 and comes later, with or without its mark, or is none", async () => {
  const headers = { "X-Fc-Invocation-Type": "Async" };
  for (const [asynchronous, status, mark] of [
    ["told", 202, "Async"],
    ["untold", 202, null],
    ["ignored", 200, null],
  ] as const) {
    await using fc = await startFixture({ asynchronous, instanceConcurrency: 10 });
    expect((await fetch(`${fc.url}/count`, { method: "POST", headers, body: "x" })).status).toBe(status);
    const counted = () => askJson<(string | null)[]>(`${fc.url}/counted`);
    await waitFor(async () => (await counted()).length > 0, "the call");
    expect(await counted()).toEqual([mark]);
  }
});

test("an asynchronous invocation that fails is made again", async () => {
  await using fc = await startFixture({ instanceConcurrency: 10 });
  await fetch(`${fc.url}/fail`, { method: "POST", headers: { "X-Fc-Invocation-Type": "Async" } });
  await waitFor(async () => (await askJson<unknown[]>(`${fc.url}/counted`)).length === 3, "two repeats");
});

test("a silent connection is dropped where something on the way does so, and one that speaks is not", async () => {
  await using fc = await startFixture({ idleCutMs: 400, instanceConcurrency: 10 });
  using silent = await openSocket(fc);
  using speaking = await openSocket(fc);
  const cut = fc.events.next("connection:cut");
  const timer = setInterval(() => speaking.socket.send("x"), 100);
  expect(await cut).toMatchObject({ reason: "idle" });
  expect((await silent.closed).code).toBe(1006);
  clearInterval(timer);
  expect(speaking.socket.readyState).toBe(speaking.socket.OPEN);
});

test("a frame above the limit ends its connection", async () => {
  await using fc = await startFixture({ largestFrameBytes: 1_000 });
  using socket = await openSocket(fc);
  expect(await socket.echo("x".repeat(1_000))).toHaveLength(1_000);
  const cut = fc.events.next("connection:cut");
  socket.socket.send("x".repeat(1_001));
  expect(await cut).toMatchObject({ reason: "frame" });
});

test("a POST on a connection that the server has closed works where the gateway notices in time", async () => {
  await using fc = await startFixture(
    { stalePost: "noticed", instanceConcurrency: 10 },
    { env: { FIXTURE_KEEP_ALIVE_MS: "100" } },
  );
  using _keepsRunning = await openSocket(fc);
  await askJson(`${fc.url}/echo`);
  // Longer than the server keeps an idle connection.
  await timePasses(1_500);
  expect((await fetch(`${fc.url}/echo`, { method: "POST", body: "x" })).status).toBe(200);
});

test("throttling by the system is 503, its errors are 500, and a trigger that is too young is 404", async () => {
  await using throttled = await startFixture({ requestsPerSecond: 2, instanceConcurrency: 10 });
  const statuses = await Promise.all(
    Array.from({ length: 4 }, async () => (await fetch(`${throttled.url}/echo`)).status),
  );
  expect(statuses.toSorted()).toEqual([200, 200, 503, 503]);

  await using failing = await startFixture({ systemErrorShare: 1 });
  expect(await statusAndCode(await fetch(`${failing.url}/echo`))).toEqual([500, "InternalServerError"]);
  expect(await refusedWith(openSocket(failing))).toBe(500);

  await using young = await startFixture({ triggerDelayMs: 500 });
  expect((await fetch(`${young.url}/echo`)).status).toBe(404);
  await waitFor(async () => (await fetch(`${young.url}/echo`)).status === 200, "the trigger to work");
});

test("with the internet address disabled the default domain refuses, and a custom domain serves", async () => {
  const trigger = { authType: "anonymous", methods: ["GET"], jwt: null, disableUrlInternet: true } as const;
  await using refused = await startFixture({ trigger, domain: "default" });
  const answer = await fetch(`${refused.url}/echo`);
  expect(answer.status).toBe(403);
  expect(await answer.text()).toContain("access denied due to function internet URL is disable");
  await using served = await startFixture({ trigger, domain: "custom" });
  expect((await fetch(`${served.url}/echo`)).status).toBe(200);
});

test("the gateway answers a browser's preflight by itself, though the trigger does not name OPTIONS", async () => {
  const trigger = { authType: "anonymous", methods: ["POST"], jwt: null } as const;
  await using fc = await startFixture({ trigger });
  const headers = { origin: "https://app.example", "access-control-request-method": "POST" };
  const answer = await fetch(`${fc.url}/echo`, { method: "OPTIONS", headers });
  expect([answer.status, answer.headers.get("access-control-allow-origin")]).toEqual([204, "https://app.example"]);
  expect(fc.instances()).toEqual([]);
});

test("a signature's Date may differ by 15 minutes", async () => {
  await using fc = await startFixture({ trigger: { authType: "function", methods: ["GET"], jwt: null } });
  const said = async (date: Date) => {
    const headers = { authorization: "acs wrong:signature", date: date.toUTCString() };
    return ((await (await fetch(`${fc.url}/echo`, { headers })).json()) as { ErrorMessage: string }).ErrorMessage;
  };
  expect(await said(new Date())).toContain("does not match");
  expect(await said(new Date(Date.now() - 16 * 60_000))).toContain("15 minutes");
});
