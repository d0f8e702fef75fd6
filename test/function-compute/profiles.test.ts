import { expect, test } from "vitest";
import { surroundingsOf } from "../../server/src/platforms/surroundings.ts";
import { waitFor } from "../support/wait.ts";
import { profiles } from "./profiles.ts";
import { platformNames } from "./settings.ts";
import { askJson, type Echo, only, openSocket, startFixture } from "./support.ts";

test.each(platformNames)(
  "an instance on %s finds the variables and headers by which a server knows it",
  async (platform) => {
    await using fc = await startFixture({ platform, instanceConcurrency: 10 });
    const environment = await askJson<Record<string, string>>(`${fc.url}/environment`);
    const { name, platform: row } = surroundingsOf(environment, undefined);
    expect(name).toBe(platform);
    const header = row.lifetime?.header;
    using socket = await openSocket(fc, "/", {
      [header?.name ?? "x-own"]: "1",
      [`${profiles[platform].ownHeaders}-x`]: "1",
    });
    const { headers } = socket.greeting;
    if (header !== undefined) expect(Number(headers[header.name]) * header.unitMs).toBe(30_000);
    if (row.requestIdHeader !== undefined) expect(headers[row.requestIdHeader]).toBeTruthy();
    expect(headers[`${profiles[platform].ownHeaders}-x`]).toBeUndefined();
    expect((await askJson<Echo>(`${fc.url}/echo`)).method).toBe("GET");
  },
);

test.each(platformNames.filter((name) => typeof profiles[name].stop === "object" && profiles[name].stop !== null))(
  "on %s a process gets the platform's signal, and is killed when its grace is over",
  async (platform) => {
    const { stop } = profiles[platform];
    if (stop === null || stop === "hook") throw new Error("expected a signal");
    await using fc = await startFixture(
      { platform, instanceConcurrency: 10 },
      { env: { FIXTURE_ENDS_AFTER_MS: "300" } },
    );
    const lines: string[] = [];
    fc.events.on("instance:output", ({ line }) => lines.push(line));
    await askJson(`${fc.url}/echo`);
    const signalled = fc.events.next("instance:signalled");
    await fc.destroyInstance(only(fc).id);
    expect(await signalled).toMatchObject({ inTime: true });
    expect(lines.filter((line) => line === `${stop.signal} arrived`)).toHaveLength(stop.times);
  },
);

test("a process that does not end by itself is killed when the grace is over", async () => {
  await using fc = await startFixture({ platform: "fly", instanceConcurrency: 10 });
  await askJson(`${fc.url}/echo`);
  const signalled = fc.events.next("instance:signalled");
  await fc.destroyInstance(only(fc).id);
  const { inTime, tookMs } = await signalled;
  expect(inTime).toBe(false);
  expect(tookMs).toBeGreaterThanOrEqual(profiles.fly.stop.graceMs);
});

test("connections still come for a moment to an instance of Kubernetes that was told to end", async () => {
  const settings = { platform: "kubernetes", instanceConcurrency: 10, maxInstances: 1 } as const;
  await using fc = await startFixture(settings, { env: { FIXTURE_ENDS_AFTER_MS: "1500" } });
  const { instanceId } = await askJson<Echo>(`${fc.url}/echo`);
  const ended = fc.destroyInstance(only(fc).id);
  expect((await askJson<Echo>(`${fc.url}/echo`)).instanceId).toBe(instanceId);
  await ended;
});

test("without requests an instance is frozen, runs now and then, or runs on", async () => {
  for (const [platform, state] of [
    ["vercel", "frozen"],
    ["cloud-run", "frozen"],
    ["heroku", "running"],
  ] as const) {
    await using fc = await startFixture({ platform });
    await askJson(`${fc.url}/echo`);
    await waitFor(
      () => only(fc).inFlight === 0 && only(fc).state === state,
      `the instance on ${platform} to be ${state}`,
    );
  }
});

test("an old instance is replaced: a new one is up before it is told to end", async () => {
  const settings = { platform: "heroku", instanceConcurrency: 10, instanceLifeSeconds: 1, minInstances: 1 } as const;
  await using fc = await startFixture(settings, { env: { FIXTURE_ENDS_AFTER_MS: "100" } });
  const order: string[] = [];
  fc.events.on("instance:started", () => order.push("started"));
  const { reason } = await fc.events.next("instance:destroyed");
  expect([...order, reason]).toEqual(["started", "age"]);
});

test("an update replaces the instances of Kubernetes one by one", async () => {
  const settings = { platform: "kubernetes", instanceConcurrency: 10, minInstances: 2, healthCheck: null } as const;
  await using fc = await startFixture(settings, { env: { FIXTURE_ENDS_AFTER_MS: "100" } });
  const order: string[] = [];
  fc.events.on("instance:started", () => order.push("started"));
  fc.events.on("instance:destroyed", () => order.push("ended"));
  await fc.update({ env: { RELEASE: "2" } });
  expect(order).toEqual(["started", "ended", "started", "ended"]);
  expect(fc.instances().map(({ version }) => version)).toEqual([2, 2]);
});
