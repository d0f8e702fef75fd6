import { expect, test } from "vitest";
import { startInstances } from "../support/instances.ts";
import { startRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";

test("an instance without Redis stays healthy and is not ready, and tells so in the body", async () => {
  await using redis = await startRedis();
  await using instances = await startInstances(1, { redis });
  const ask = async (path: string) => {
    const answer = await fetch(`${instances.url(0)}${path}`);
    return { status: answer.status, body: await answer.json() };
  };
  for (const path of ["/healthz", "/readyz"]) {
    expect(await ask(path)).toEqual({ status: 200, body: { status: "ok", redis: "up" } });
  }
  await redis.kill();
  await waitFor(async () => (await ask("/readyz")).status === 503, "/readyz to tell that Redis is away");
  expect(await ask("/readyz")).toEqual({ status: 503, body: { status: "unavailable", redis: "away" } });
  expect(await ask("/healthz")).toEqual({ status: 200, body: { status: "ok", redis: "away" } });
});
