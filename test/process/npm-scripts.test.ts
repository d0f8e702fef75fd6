import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "../support/free-port.ts";
import { ManagedProcess } from "../support/managed-process.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { connectStock } from "../support/stock-client.ts";
import { uniquePrefix } from "../support/unique.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

// What a terminal does with Ctrl-C: SIGINT to every process of the group, npm and its shell included.

const repository = fileURLToPath(new URL("../..", import.meta.url));

let redis: RedisServer;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

async function runScript(script: string, { drainSeconds = 60, cwd = repository } = {}) {
  const port = await freePort();
  const { PATH, HOME } = process.env;
  const child = new ManagedProcess({
    command: "npm",
    args: ["run", script],
    env: {
      PATH,
      HOME,
      npm_config_update_notifier: "false",
      PORT: String(port),
      REDIS_URL: redis.url,
      KEY_PREFIX: uniquePrefix(),
      DRAIN_SECONDS: String(drainSeconds),
    },
    cwd,
    group: true,
  });
  const has = (text: string) => waitFor(() => child.output.includes(text), `"${text}" in the output`, 20_000);
  await has('"msg":"listening"');
  return { child, has, url: `http://127.0.0.1:${port}` };
}

/** Npm tells neither code nor signal of the server where the shell between them got the SIGINT, too. */
const ended = (child: ManagedProcess) => withTimeout(child.exit, "npm and all below it to end", 5_000);

test.concurrent("npm start: one Ctrl-C moves the clients and ends in order", async () => {
  const { child, has, url } = await runScript("start", { drainSeconds: 10 });
  await using _ = child;
  using socket = await connectStock(url);
  const notice = new Promise<void>((resolve) => socket.once("connection:expiring", () => resolve()));
  child.signal("SIGINT");
  await has("moving clients");
  await withTimeout(notice, "the client to be told to move");
  socket.disconnect();
  await ended(child);
  expect(child.output).toContain('"msg":"closed"');
}, 60_000);

test.concurrent("npm start: Ctrl-C pressed again ends it at once", async () => {
  const { child, has, url } = await runScript("start");
  await using _ = child;
  using _socket = await connectStock(url);
  child.signal("SIGINT");
  await has("moving clients");
  const pressAgain = () => {
    child.signal("SIGINT");
    return child.ended !== undefined;
  };
  await waitFor(pressAgain, "npm and all below it to end at once", 5_000);
  expect(child.output).toContain("a second SIGINT ends the process");
  expect(child.output).not.toContain('"msg":"closed"');
});

/** A copy of what `npm run dev` needs, since it writes the build that other tests run. */
function copyOfTheProject(): string {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-dev-"));
  for (const part of ["package.json", "tsconfig.json", "scripts", "client", "server", "app"]) {
    cpSync(join(repository, part), join(folder, part), {
      recursive: true,
      filter: (path) => !/\/(dist|node_modules)$/.test(path),
    });
  }
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  return folder;
}

test.concurrent("npm run dev: one Ctrl-C ends the server in order and waits for it, again ends it at once", async () => {
  const cwd = copyOfTheProject();
  try {
    const orderly = await runScript("dev", { cwd });
    await using child = orderly.child;
    using socket = await connectStock(orderly.url);
    child.signal("SIGINT");
    await orderly.has("moving clients");
    socket.disconnect();
    await ended(child);
    expect(child.output).toContain('"msg":"closed"');

    const impatient = await runScript("dev", { cwd });
    await using other = impatient.child;
    using _socket = await connectStock(impatient.url);
    other.signal("SIGINT");
    await impatient.has("moving clients");
    const pressAgain = () => {
      other.signal("SIGINT");
      return other.ended !== undefined;
    };
    await waitFor(pressAgain, "npm and all below it to end at once", 5_000);
  } finally {
    rmSync(cwd, { recursive: true, force: true });
  }
}, 60_000);
