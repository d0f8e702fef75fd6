import { createCluster } from "redis";
import { expect, test } from "vitest";
import * as z from "zod";
import { read } from "../../support/markdown.ts";

// The server uses parts of node-redis that its documentation does not promise; those that need a cluster are looked at
// in test/cluster/cluster.test.ts. Before the version is changed here, read what they have become.

const version = "6.3.1";

const manifest = z.object({
  version: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});
const manifestOf = (path: string) => manifest.parse(JSON.parse(read(path)));

test("node-redis is pinned to the version whose private parts are used, and that one is installed", () => {
  expect(manifestOf("server/package.json").dependencies.redis).toBe(version);
  expect(manifestOf("package.json").devDependencies.redis).toBe(version);
  expect(manifestOf("node_modules/redis/package.json").version).toBe(version);
  // What `redis` itself is made of.
  expect(manifestOf("node_modules/redis/package.json").dependencies["@redis/client"]).toBe(version);
  expect(manifestOf("node_modules/@redis/client/package.json").version).toBe(version);
});

test("the client of a cluster can be asked to learn its slots anew, and subscribes by itself through one listener", () => {
  const cluster = createCluster({ rootNodes: [{ url: "redis://127.0.0.1:1" }] });
  expect(cluster._slots.rediscover).toBeTypeOf("function");
  expect(cluster.listenerCount("__resubscribeListeners")).toBe(1);
  cluster.removeAllListeners("__resubscribeListeners");
  expect(cluster.listenerCount("__resubscribeListeners")).toBe(0);
});
