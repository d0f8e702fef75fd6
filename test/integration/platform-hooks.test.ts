import { describe, expect, test } from "vitest";
import { call } from "../support/http-call.ts";
import { startInstances } from "../support/instances.ts";
import { askData, collect, connectStock } from "../support/stock-client.ts";
import { waitFor } from "../support/wait.ts";

test("the platform's hooks refuse who comes through the trigger, and serve the platform", async () => {
  const env = { FC_FUNCTION_NAME: "holdfast", AUTH: "anonymous", ALLOWED_ORIGINS: "*" };
  await using instances = await startInstances(1, { env });
  await using elsewhere = await startInstances(1, { redis: instances.redis });
  const through = (path: string, controlPath: string, method: string, at = instances.url(0)) =>
    call(at, path, { method, headers: { "x-fc-control-path": controlPath } });
  expect((await through("/initialize", "/http-invoke", "POST")).status).toBe(404);
  expect((await through("/pre-stop", "/http-invoke", "GET")).status).toBe(404);
  expect(await through("/initialize", "/initialize", "POST")).toMatchObject({ status: 200 });
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
