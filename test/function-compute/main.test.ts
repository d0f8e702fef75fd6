import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { freePort } from "../support/free-port.ts";
import { ManagedProcess } from "../support/managed-process.ts";
import { uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { parseFlags } from "./flags.ts";
import { statusLine } from "./status-line.ts";
import { askJson } from "./support.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const serviceFile = `
vars: { timeout: 60 }
resources:
  fixture:
    component: fc3
    props:
      region: cn-hangzhou
      functionName: fixture
      cpu: 0.5
      memorySize: 512
      timeout: \${vars.timeout}
      instanceConcurrency: 5
      code: ${fileURLToPath(new URL(".", import.meta.url))}
      customRuntimeConfig: { command: [node, fixture-server.mjs] }
      environmentVariables: { REDIS_URL: "\${env('REDIS_URL')}", AUTH: "\${env('AUTH', 'token')}" }
      triggers: [{ triggerType: http, triggerConfig: { authType: anonymous, methods: [GET] } }]
`;

test("npm run fc serves what the file describes, shows its state in one line, and ends with its processes", async () => {
  const path = join(tmpdir(), `${uniqueRoom("service-file")}.yaml`);
  await writeFile(path, serviceFile);
  const port = await freePort();
  const flags = ["--service-file", path, "--port", String(port), "--timeout", "20", "--env", "MINE=1"];
  await using emulator = new ManagedProcess({
    command: process.execPath,
    args: ["node_modules/tsx/dist/cli.mjs", "--conditions=@holdfast/source", "test/function-compute/main.ts", ...flags],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, REDIS_URL: "redis://nowhere:1" },
    cwd: repository,
  });
  await waitFor(
    () => emulator.output.includes(`emulator on http://127.0.0.1:${port}`),
    "the emulator to listen",
    20_000,
  );
  const url = `http://127.0.0.1:${port}`;
  expect(await askJson(`${url}/environment`)).toMatchObject({
    REDIS_URL: "redis://nowhere:1",
    AUTH: "anonymous",
    MINE: "1",
    FC_FUNCTION_NAME: "fixture",
  });
  expect(await askJson(`${url}/echo`)).toMatchObject({ headers: { "x-fc-function-timeout": "20" } });
  expect((await fetch(`${url}/echo`, { method: "POST" })).status).toBe(403);
  const socket = new WebSocket(url.replace("http", "ws"));
  const live = /instances 1 running, 0 frozen \| connections 1 \| cuts 0 \| handovers 0 \| billed \d+\.\d s/;
  await waitFor(() => live.test(emulator.output), "the line of live state");
  const started = /(c-[0-9a-f]+) started/.exec(emulator.output)?.[1];
  expect(started).toBeDefined();
  await emulator.stop();
  await waitFor(() => socket.readyState === WebSocket.CLOSED, "the connection to end");
  await rm(path);
});

test("wrong flags and missing variables end it with a message that names them", async () => {
  const path = join(tmpdir(), `${uniqueRoom("service-file")}.yaml`);
  await writeFile(path, serviceFile.replace("'REDIS_URL'", "'NOT_SET'"));
  for (const [flags, message] of [
    [["--max-instances", "none"], "--max-instances: expected a number of at least 1"],
    [["--service-file", path], "environment variable NOT_SET is not set"],
  ] as const) {
    await using emulator = new ManagedProcess({
      command: process.execPath,
      args: [
        "node_modules/tsx/dist/cli.mjs",
        "--conditions=@holdfast/source",
        "test/function-compute/main.ts",
        ...flags,
      ],
      env: { PATH: process.env.PATH, REDIS_URL: "redis://nowhere:1" },
      cwd: repository,
    });
    expect(await emulator.exit).toEqual({ code: 1, signal: null });
    expect(emulator.output).toContain(message);
  }
  await rm(path);
});

test("flags say only what they were given", () => {
  expect(parseFlags([]).settings).toEqual({});
  expect(parseFlags(["--timeout", "0.5", "--cut", "whole-instance", "--min-instances", "0"]).settings).toEqual({
    timeoutSeconds: 0.5,
    cut: "whole-instance",
    minInstances: 0,
  });
  expect(parseFlags(["--env", "A=1", "--env", "B=c=d"]).env).toEqual({ A: "1", B: "c=d" });
  expect(() => parseFlags(["--cut", "nothing"])).toThrow("--cut: expected request or whole-instance");
});

test("the live line counts instances by state", () => {
  const instances = ["running", "running", "frozen", "starting", "stopping"].map((state) => ({ state }));
  const counts = { connections: 7, cuts: 1, handovers: 3 };
  expect(statusLine({ instances, counts, cost: { billedSeconds: 12.34, cu: 0, cny: 0.0042 } })).toBe(
    "instances 2 running, 1 frozen, 2 starting or stopping | connections 7 | cuts 1 | handovers 3 | billed 12.3 s (0.004200 CNY)",
  );
});
