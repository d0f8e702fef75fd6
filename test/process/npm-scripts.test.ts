import { afterAll, beforeAll, expect, test } from "vitest";
import { copyOfTheProject, ended, runScript } from "../support/npm-script.ts";
import { type RedisServer, startRedis } from "../support/redis-server.ts";
import { connectStock } from "../support/stock-client.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

// What a terminal does with Ctrl-C: SIGINT to every process of the group, npm and its shell included.

let redis: RedisServer;
let redisUrl: string;
beforeAll(async () => {
  redis = await startRedis();
  redisUrl = redis.url;
});
afterAll(async () => {
  await redis[Symbol.asyncDispose]();
});

test.concurrent("npm start: one Ctrl-C moves the clients and ends in order", async () => {
  const { child, has, url } = await runScript("start", { redisUrl, drainSeconds: 10 });
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
  const { child, has, url } = await runScript("start", { redisUrl });
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

test.concurrent("npm run dev: one Ctrl-C ends the server in order and waits for it, again ends it at once", async () => {
  using copy = copyOfTheProject();
  const options = { redisUrl, cwd: copy.folder };
  const orderly = await runScript("dev", options);
  await using child = orderly.child;
  using socket = await connectStock(orderly.url);
  child.signal("SIGINT");
  await orderly.has("moving clients");
  socket.disconnect();
  await ended(child);
  expect(child.output).toContain('"msg":"closed"');

  const impatient = await runScript("dev", options);
  await using other = impatient.child;
  using _socket = await connectStock(impatient.url);
  other.signal("SIGINT");
  await impatient.has("moving clients");
  const pressAgain = () => {
    other.signal("SIGINT");
    return other.ended !== undefined;
  };
  await waitFor(pressAgain, "npm and all below it to end at once", 5_000);
}, 60_000);
