import { expect, test } from "vitest";
import { waitFor } from "../support/wait.ts";
import { type Health, healthAfter } from "./health-check.ts";
import { askJson, type Echo, openSocket, startFixture } from "./support.ts";

const healthCheck = {
  httpGetUrl: "/health",
  initialDelaySeconds: 0,
  periodSeconds: 0.1,
  timeoutSeconds: 2,
  failureThreshold: 2,
  successThreshold: 2,
};

test("health turns only after as many checks in a row as the thresholds say", () => {
  const turns: boolean[] = [];
  let health: Health = { healthy: true, contrary: 0 };
  for (const passed of [false, true, false, false, true, false, true, true]) {
    health = healthAfter(health, passed, healthCheck);
    turns.push(health.healthy);
  }
  expect(turns).toEqual([true, true, true, false, false, false, false, true]);
});

test("an instance that fails its health checks gets no new requests, keeps its open ones, and comes back", async () => {
  await using fc = await startFixture({ healthCheck, instanceConcurrency: 10, maxInstances: 2 });
  using socket = await openSocket(fc);
  const sick = socket.greeting.instanceId;
  const turned = fc.events.next("instance:health");
  await askJson(`${fc.url}/sicken`);
  expect(await turned).toEqual({ instanceId: sick, healthy: false });
  using elsewhere = await openSocket(fc);
  expect(elsewhere.greeting.instanceId).not.toBe(sick);
  for (let request = 0; request < 5; request += 1) {
    expect((await askJson<Echo>(`${fc.url}/echo`)).instanceId).toBe(elsewhere.greeting.instanceId);
  }
  expect(await socket.echo("still served")).toBe("still served");
});

test("an unhealthy instance that passes its checks again gets requests again", async () => {
  await using fc = await startFixture({ healthCheck, instanceConcurrency: 10, maxInstances: 1 });
  using socket = await openSocket(fc);
  const sick = fc.events.next("instance:health", { where: ({ healthy }) => !healthy });
  const well = fc.events.next("instance:health", { where: ({ healthy }) => healthy });
  // Recovery is asked for before the instance is passed over, and comes once it is.
  await askJson(`${fc.url}/sicken?for=1500`);
  await sick;
  expect((await fetch(`${fc.url}/echo`)).status).toBe(503);
  await well;
  expect((await askJson<Echo>(`${fc.url}/echo`)).instanceId).toBe(socket.greeting.instanceId);
});

test("a first health check that fails is a failed start", async () => {
  await using fc = await startFixture({ healthCheck: { ...healthCheck, httpGetUrl: "/no-such-path" } });
  const answer = await fetch(`${fc.url}/echo`);
  expect(answer.status).toBe(412);
  expect(await answer.json()).toMatchObject({ ErrorMessage: expect.stringContaining("first health check") });
});

test("a status of 300 to 399 is healthy", async () => {
  await using fc = await startFixture({ healthCheck: { ...healthCheck, httpGetUrl: "/redirect" } });
  expect((await fetch(`${fc.url}/echo`)).status).toBe(200);
});

test("a frozen instance is not checked and stays healthy", async () => {
  await using fc = await startFixture({ healthCheck: { ...healthCheck, timeoutSeconds: 1, failureThreshold: 1 } });
  const turns: boolean[] = [];
  fc.events.on("instance:health", ({ healthy }) => turns.push(healthy));
  await askJson(`${fc.url}/echo`);
  await waitFor(() => fc.instances()[0]?.state === "frozen", "the instance to be frozen");
  const frozenAtMs = performance.now();
  await waitFor(() => performance.now() - frozenAtMs > 1500, "the time of several checks to pass");
  expect(fc.instances()[0]?.state).toBe("frozen");
  await askJson(`${fc.url}/echo`);
  expect(turns).toEqual([]);
});
