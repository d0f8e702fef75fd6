import { test } from "vitest";
import { redisServerInstalled } from "./installed.ts";

/**
 * A test that needs what only a redis-server can do: keep its data through a restart, be part of a cluster, take
 * arguments. It is skipped where none is installed, and so are the hooks of a file in which all tests are.
 */
export const testWithRedisServer = test.runIf(redisServerInstalled);
