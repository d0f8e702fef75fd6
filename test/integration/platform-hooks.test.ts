import { describe, expect, test } from "vitest";
import { call } from "../support/http-call.ts";
import { startInstances } from "../support/instances.ts";
import { askData, collect, connectStock } from "../support/stock-client.ts";
import { messageId } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

test("the platform's hooks refuse who comes through the trigger, and serve the platform, whatever its header says", async () => {
  const env = { FC_FUNCTION_NAME: "holdfast", AUTH: "anonymous", ALLOWED_ORIGINS: "*" };
  await using instances = await startInstances(1, { env });
  await using elsewhere = await startInstances(1, { redis: instances.redis });
  const through = (path: string, controlPath: string | undefined, method: string, at = instances.url(0)) =>
    call(at, path, { method, headers: controlPath === undefined ? {} : { "x-fc-control-path": controlPath } });
  for (const fromOutside of ["/http-invoke", "/invoke"]) {
    expect((await through("/initialize", fromOutside, "POST")).status).toBe(404);
    expect((await through("/pre-stop", fromOutside, "GET")).status).toBe(404);
  }
  // What the platform says on a hook is documented for one of the two alone.
  for (const fromPlatform of ["/initialize", "/pre-stop", "", undefined]) {
    expect(await through("/initialize", fromPlatform, "POST")).toMatchObject({ status: 200 });
    expect(await through("/pre-stop", fromPlatform, "GET")).toMatchObject({ status: 200 });
  }
  // Outside the platform nobody but a stranger would ask.
  expect((await through("/initialize", "/initialize", "POST", elsewhere.url(0))).status).toBe(404);
  expect((await through("/pre-stop", "/pre-stop", "GET", elsewhere.url(0))).status).toBe(404);
});

test("a lifetime in a request's header is believed on the platform alone", async () => {
  await using instances = await startInstances(1, {
    env: { FC_FUNCTION_NAME: "holdfast", AUTH: "anonymous", ALLOWED_ORIGINS: "*" },
  });
  await using elsewhere = await startInstances(1, { redis: instances.redis });
  const connect = (at: string, seconds: number) =>
    connectStock(at, { socket: { extraHeaders: { "x-fc-function-timeout": String(seconds) }, reconnection: false } });
  using stranger = await connect(elsewhere.url(0), 1);
  using notices = collect(stranger, "connection:expiring");
  using onPlatform = await connect(instances.url(0), 2);
  using believed = collect(onPlatform, "connection:expiring");
  // A notice comes between half and three quarters of a lifetime, so the stranger's would come before this one.
  await believed.waitFor(({ reason }) => reason === "timeout", "the notice on the platform");
  await askData(stranger, "echo", "a fence");
  expect(notices.items).toEqual([]);
});

test("every log line of a connection names the platform's request, and elsewhere nobody can choose a name", async () => {
  await using instances = await startInstances(1, {
    env: { FC_FUNCTION_NAME: "holdfast", AUTH: "anonymous", ALLOWED_ORIGINS: "*", LOG_LEVEL: "debug" },
  });
  await using elsewhere = await startInstances(1, { redis: instances.redis, env: { LOG_LEVEL: "debug" } });
  const extraHeaders = { "x-fc-request-id": "1-2-3" };
  for (const { servers, url } of [instances, elsewhere]) {
    using socket = await connectStock(url(0), { socket: { extraHeaders } });
    socket.disconnect();
    await servers[0]?.waitForLog(({ msg }) => msg === "connection closed", "connection closed");
  }
  const named = ({ servers }: typeof instances) =>
    servers[0]?.logs.filter(({ connection }) => connection !== undefined).map(({ request }) => request);
  expect(new Set(named(instances))).toEqual(new Set(["1-2-3"]));
  expect(new Set(named(elsewhere))).toEqual(new Set([undefined]));
});

test("an asynchronous invocation is told from a synchronous one and refused; elsewhere the header means nothing", async () => {
  await using instances = await startInstances(1, {
    env: { FC_FUNCTION_NAME: "holdfast", AUTH: "anonymous", ALLOWED_ORIGINS: "*", ADMIN_TOKEN: "t".repeat(16) },
  });
  await using elsewhere = await startInstances(1, { redis: instances.redis, env: { ADMIN_TOKEN: "t".repeat(16) } });
  const publish = (at: string, headers: Record<string, string>) =>
    call(at, "/rooms/lobby/messages", {
      method: "POST",
      headers: { authorization: `Bearer ${"t".repeat(16)}`, "content-type": "application/json", ...headers },
      body: JSON.stringify({ id: messageId(), event: "chat:message", data: { text: "hi" } }),
    });
  const asynchronous = { "X-Fc-Invocation-Type": "Async" };
  expect(await publish(instances.url(0), asynchronous)).toMatchObject({
    status: 403,
    body: { error: { code: "FORBIDDEN", retryable: false } },
  });
  expect((await publish(instances.url(0), { "X-Fc-Invocation-Type": "Sync" })).status).toBe(201);
  expect((await publish(instances.url(0), {})).status).toBe(201);
  expect((await publish(elsewhere.url(0), asynchronous)).status).toBe(201);
});

describe("on the platform", () => {
  const env = { FC_FUNCTION_NAME: "holdfast", AUTH: "anonymous", ALLOWED_ORIGINS: "*", DRAIN_SECONDS: "2" };
  const preStop = (at: string) => call(at, "/pre-stop", { headers: { "x-fc-control-path": "/pre-stop" } });
  const healthy = async (at: string) => (await fetch(`${at}/healthz`)).status === 200;

  test("a forged pre-stop cannot be repeated to keep an instance out of service", async () => {
    await using instances = await startInstances(1, { env });
    const at = instances.url(0);
    using stays = await connectStock(at);
    using notices = collect(stays, "connection:expiring");
    const first = preStop(at);
    await waitFor(async () => !(await healthy(at)), "the first one to be believed");
    await first;
    await waitFor(() => healthy(at), "the instance to serve again");
    const told = notices.items.length;
    const second = preStop(at);
    await waitFor(() => notices.items.length > told, "the second one to be under way");
    expect(await healthy(at)).toBe(true);
    using _newcomer = await connectStock(at);
    await second;
    expect(await healthy(at)).toBe(true);
  });

  test("a second pre-stop soon after one that was not followed by the end moves every client, too", async () => {
    await using instances = await startInstances(1, { env });
    const at = instances.url(0);
    using early = await connectStock(at);
    using earlyNotices = collect(early, "connection:expiring");
    await preStop(at);
    await waitFor(() => healthy(at), "the instance to serve again");
    using late = await connectStock(at);
    using lateNotices = collect(late, "connection:expiring");
    // It is answered when all have moved, well before the drain time is over.
    for (const socket of [early, late]) socket.once("connection:expiring", () => socket.disconnect());
    await preStop(at);
    expect([earlyNotices.items, lateNotices.items]).toEqual([
      [
        { reason: "drain", deadlineMs: expect.any(Number) },
        { reason: "drain", deadlineMs: expect.any(Number) },
      ],
      [{ reason: "drain", deadlineMs: expect.any(Number) }],
    ]);
    expect([early.connected, late.connected]).toEqual([false, false]);
  });

  test("after a pre-stop without clients the next client is admitted", async () => {
    await using instances = await startInstances(1, { env });
    const at = instances.url(0);
    expect((await preStop(at)).status).toBe(200);
    using _first = await connectStock(at);
    expect(await healthy(at)).toBe(true);
  });
});
