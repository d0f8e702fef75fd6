import { createCluster } from "redis";
import { expect, test } from "vitest";
import * as z from "zod";
import {
  learnMissingSlots,
  onChannelLeftBehind,
  subscribingClients,
  takeOverResubscribing,
} from "../../../server/src/redis/node-redis-private.ts";
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

test("the private parts are there, and the client of a cluster subscribes by itself through one listener alone", () => {
  const cluster = createCluster({ rootNodes: [{ url: "redis://127.0.0.1:1" }] });
  expect(cluster._slots.rediscover).toBeTypeOf("function");
  expect(subscribingClients(cluster)).toEqual([]);
  // Nothing is known of any slot as yet, so none is missing.
  learnMissingSlots(cluster);
  expect(cluster.listenerCount("__resubscribeListeners")).toBe(1);
  let resubscribed = 0;
  takeOverResubscribing(cluster, () => {
    resubscribed += 1;
  });
  expect(cluster.listenerCount("__resubscribeListeners")).toBe(1);
  cluster.emit("__resubscribeListeners");
  expect(resubscribed).toBe(1);
  const left: string[] = [];
  onChannelLeftBehind(cluster, (channel) => left.push(channel));
  cluster.emit("sharded-channel-moved-error", new Error("moved"), "a channel");
  expect(left).toEqual(["a channel"]);
});
