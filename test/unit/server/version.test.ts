import { expect, test } from "vitest";
import { parseBackend } from "../../../server/src/redis/version.ts";

test("Redis tells its version", () => {
  expect(parseBackend("# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\n")).toEqual({
    name: "Redis",
    version: "7.0.15",
  });
});

test("Valkey is known by its own version, not by the Redis that it says it can stand in for", () => {
  const info = "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.0.1\r\n";
  expect(parseBackend(info)).toEqual({ name: "Valkey", version: "9.0.1" });
});

test("a version in the middle of a line is not one", () => {
  expect(parseBackend("# Server\r\nnot_redis_version:7.0.0\r\n")).toBeUndefined();
  expect(parseBackend("")).toBeUndefined();
});
