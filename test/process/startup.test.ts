import { createServer, type Socket } from "node:net";
import { createClient } from "redis";
import { expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { startRedis } from "../support/redis-server.ts";
import { spawnServer, startServer } from "../support/server-process.ts";
import { uniquePrefix } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

/** Starts a server that is expected to refuse, and gives back how it ended. */
async function refusal(env: Record<string, string>, port?: number) {
  await using server = await spawnServer({ env, ...(port === undefined ? {} : { port }) });
  const exit = await withTimeout(server.exit, "the server to end by itself", 15_000);
  return { exit, output: server.output, listened: server.logs.some(({ msg }) => msg === "listening") };
}

/** A server that answers as an old Redis does. */
async function fakeRedis(version: string) {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      // One answer for each command of a pipeline; every command is an array, and each names itself on its third line.
      for (const command of bytes.toString().split(/(?=^\*\d+\r$)/m)) {
        const name = command.split("\r\n")[2]?.toUpperCase();
        const info = `# Server\r\nredis_version:${version}\r\nredis_mode:standalone\r\n`;
        if (name === "HELLO") socket.write("%2\r\n+server\r\n+redis\r\n+proto\r\n:3\r\n");
        else if (name === "INFO") socket.write(`$${info.length}\r\n${info}\r\n`);
        else if (name === "PING") socket.write("+PONG\r\n");
        else socket.write("+OK\r\n");
      }
    });
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `redis://127.0.0.1:${port}`,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

test.concurrent("wrong settings end the process with code 1 before it listens, each of them named", async () => {
  const { exit, output, listened } = await refusal({
    NODE_ENV: "production",
    KEY_PREFIX: "a b",
    DRAIN_SECONDS: "soon",
    ADMIN_TOKEN: "hunter2",
    LOG_LEVEL: "loud",
  });
  expect(exit).toEqual({ code: 1, signal: null });
  for (const name of [
    "KEY_PREFIX",
    "DRAIN_SECONDS",
    "ADMIN_TOKEN",
    "LOG_LEVEL",
    "REDIS_URL",
    "AUTH",
    "ALLOWED_ORIGINS",
  ]) {
    expect(output).toMatch(new RegExp(`^${name}: expected .+, got .+$`, "m"));
  }
  expect(output).toContain('DRAIN_SECONDS: expected a whole number from 0 to 90, got "soon"');
  expect(output).toContain("7 setting(s)");
  expect(output).not.toContain("hunter2");
  expect(listened).toBe(false);
});

test.concurrent("a variable that looks like a misspelt setting is told at the start, with the one that is meant", async () => {
  const { output } = await refusal({ NODE_ENV: "production", REDIS_URI: "redis://user:hunter2@localhost" });
  expect(output).toContain("REDIS_URI is no setting, and has no effect: is REDIS_URL meant?");
  expect(output).not.toContain("hunter2");
});

test.concurrent("the start tells which platform was found, how long connections live there, and a drain that does not fit", async () => {
  await using redis = await startRedis();
  const env = { REDIS_URL: redis.url, KEY_PREFIX: uniquePrefix(), AUTH: "anonymous", ALLOWED_ORIGINS: "*" };
  await using server = await startServer({ env: { ...env, K_SERVICE: "rooms", DRAIN_SECONDS: "10" } });
  const line = await server.waitForLog(({ platform }) => platform !== undefined, "the platform");
  expect(line).toMatchObject({ platform: "cloud-run", stop: "SIGTERM", msg: "Cloud Run, connections live 300 s" });
  await server.waitForLog(({ msg, level }) => level === 40 && String(msg).includes("At most 8 fit"), "the long drain");
});

test.concurrent("a Redis that cannot be reached ends the process with code 1, the address and the next step", async () => {
  const port = await freePort();
  const { exit, output, listened } = await refusal({ REDIS_URL: `redis://user:hunter2@127.0.0.1:${port}` });
  expect(exit).toEqual({ code: 1, signal: null });
  expect(output).toContain(`Redis at 127.0.0.1:${port} cannot be used`);
  expect(output).toContain("Check REDIS_URL");
  expect(output).not.toContain("hunter2");
  expect(listened).toBe(false);
});

test.concurrent("a Redis that accepts and stays silent ends the process too", async () => {
  const silent = createServer((socket) => socket.on("error", () => undefined));
  const port = await freePort();
  await new Promise<void>((resolve) => silent.listen(port, "127.0.0.1", resolve));
  try {
    const { exit, output } = await refusal({ REDIS_URL: `redis://127.0.0.1:${port}` });
    expect(exit).toEqual({ code: 1, signal: null });
    expect(output).toContain(`Redis at 127.0.0.1:${port} cannot be used`);
  } finally {
    silent.close();
  }
});

test.concurrent("a Redis before 7.0 is refused with its version and what is expected", async () => {
  using redis = await fakeRedis("6.2.14");
  const { exit, output, listened } = await refusal({ REDIS_URL: redis.url });
  expect(exit).toEqual({ code: 1, signal: null });
  expect(output).toContain("Redis 6.2.14 is too old: expected Redis 7.0 or later");
  expect(listened).toBe(false);
});

test.concurrent("a wrong password is reported, without printing it", async () => {
  await using redis = await startRedis();
  const admin = createClient({ url: redis.url });
  await admin.connect();
  await admin.configSet("requirepass", "correct");
  admin.destroy();
  const { exit, output } = await refusal({ REDIS_URL: redis.url.replace("//", "//:hunter2@") });
  expect(exit).toEqual({ code: 1, signal: null });
  expect(output).toMatch(/WRONGPASS|invalid username-password/);
  expect(output).not.toContain("hunter2");
});

test.concurrent("a port in use ends the process with code 1 and names the port", async () => {
  await using redis = await startRedis();
  const env = { REDIS_URL: redis.url, KEY_PREFIX: uniquePrefix() };
  await using first = await startServer({ env });
  const { exit, output } = await refusal(env, first.port);
  expect(exit).toEqual({ code: 1, signal: null });
  expect(output).toContain("is taken");
  expect(output).toContain(String(first.port));
  expect(await first.healthStatus()).toBe(200);
});

test.concurrent("without REDIS_URL a developer's server embeds Valkey and says so", async () => {
  await using server = await startServer();
  await waitFor(() => /embedded Valkey \d+\.\d+/.test(server.output), "the backend to be printed");
  expect(await server.stop()).toEqual({ code: 0, signal: null });
});

test.concurrent("it starts and prints its address, the backend and the next step", async () => {
  await using redis = await startRedis();
  await using server = await startServer({ env: { REDIS_URL: redis.url, KEY_PREFIX: uniquePrefix() } });
  const line = await server.waitForLog(({ msg }) => msg === "listening", "listening");
  expect(line).toMatchObject({ port: server.port, url: `http://localhost:${server.port}` });
  await waitFor(() => /Next: open http/.test(server.output), "the next step to be printed");
  expect(server.output).toMatch(/Backend: (Redis|Valkey) \d/);
});
