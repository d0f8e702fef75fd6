import { expect, test } from "vitest";
import { startRedis } from "./redis-server.ts";
import { startServer } from "./server-process.ts";

test("a server that chooses its own port is found by its log", async () => {
  await using redis = await startRedis();
  await using server = await startServer({ port: 0, env: { REDIS_URL: redis.url } });
  expect(server.port).toBeGreaterThan(0);
  expect(await server.healthStatus()).toBe(200);
  expect(server.cpuMicroseconds()).toBeGreaterThan(0);
});

test("a server that refuses to start tells its reason by way of the rig", async () => {
  await expect(startServer({ env: { NODE_ENV: "production" } })).rejects.toThrow(/ended with code 1 .*REDIS_URL/s);
});
