import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { freePort } from "../support/free-port.ts";
import { ManagedProcess } from "../support/managed-process.ts";
import { startRedis } from "../support/redis-server.ts";
import { waitFor } from "../support/wait.ts";

const startMs = 20_000;

function emulator(file: string, env: Readonly<Record<string, string>>, ...args: string[]): ManagedProcess {
  return new ManagedProcess({
    command: process.execPath,
    args: ["--import", "tsx", "--conditions=@holdfast/source", `test/function-compute/${file}`, ...args],
    // What s.yaml asks for, though nothing here uses it.
    env: { PATH: process.env.PATH, VPC_ID: "vpc", VSWITCH_ID: "vsw", SECURITY_GROUP_ID: "sg", ...env },
    cwd: fileURLToPath(new URL("../..", import.meta.url)),
  });
}

test("the emulator obeys PORT, serves the page, and says why a page of another origin is refused", async () => {
  await using redis = await startRedis();
  const port = await freePort();
  const settings = { REDIS_URL: redis.url, PORT: String(port), ALLOWED_ORIGINS: "https://elsewhere.example" };
  await using terminal = emulator("main.ts", settings);
  const url = `http://127.0.0.1:${port}`;
  await waitFor(() => terminal.output.includes(`emulator on ${url}`), "the emulator to listen", startMs);
  const page = await fetch(url);
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('<script type="module" src="page.js"></script>');
  expect((await fetch(`${url}/page.js`)).headers.get("content-type")).toContain("javascript");
  expect((await fetch(`${url}/`, { method: "POST" })).status).toBe(404);
  expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ status: "ok" });

  const address = `${url.replace("http", "ws")}/socket.io/?EIO=4&transport=websocket`;
  const refused = new WebSocket(address, { origin: "http://localhost:5173" });
  const status = await new Promise((resolve) => {
    refused.once("unexpected-response", (_, { statusCode }) => resolve(statusCode));
  });
  expect(status).toBe(400);
  await waitFor(() => terminal.output.includes("origin http://localhost:5173"), "the reason");
  expect(terminal.output).toMatch(
    /c-[0-9a-f]+ warns: handshake refused: origin not allowed; ALLOWED_ORIGINS has to name it/,
  );
  await terminal.stop();
});

test("the demo tells what to open and what to watch, and each cut is a line of its own", async () => {
  await using redis = await startRedis();
  const port = await freePort();
  await using terminal = emulator("demo.ts", { REDIS_URL: redis.url, PORT: String(port) }, "--timeout", "4");
  await waitFor(() => terminal.output.includes(`Open http://localhost:${port}/?name=Ann`), "the advice", startMs);
  const socket = new WebSocket(`ws://127.0.0.1:${port}/echo`);
  const closed = new Promise((resolve) => socket.once("close", resolve));
  expect(await closed).toBe(1006);
  await waitFor(
    () => /^cut: a connection to c-[0-9a-f]+, because its time was over$/m.test(terminal.output),
    "the line",
  );

  await using help = emulator("demo.ts", {}, "--help");
  expect(await help.exit).toEqual({ code: 0, signal: null });
  expect(help.output).toContain("npm run demo -- [--port 9000] [--timeout 20]");
});
