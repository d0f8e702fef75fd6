import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { cpuMicroseconds } from "../../support/cpu-time.ts";
import { freePort } from "../../support/free-port.ts";
import { type RedisServer, startRedis } from "../../support/redis-server.ts";
import { defineBench } from "../bench.ts";
import { median } from "../rig/measure.ts";

const pathOf = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const holdfast = pathOf("../../../app/dist/main.mjs");
const plain = pathOf("../rig/plain-server.mjs");
const BYTES_PER_MEGABYTE = 1_000_000;
/** How often a port is asked whether it is open: the resolution of the figures. */
const askEveryMs = 2;

export const startup = defineBench<"runs">({
  summary: "time and CPU from process start to the first connection taken, with Redis there; size of the built server",
  options: { runs: { default: 10, meaning: "starts of each, turn about, of which the median counts" } },
  async run({ runs }) {
    await using redis = await startRedis();
    const ours: Start[] = [];
    const theirs: Start[] = [];
    for (let run = 0; run < runs; run += 1) {
      ours.push(await startOnce(holdfast, redis, "/healthz"));
      theirs.push(await startOnce(plain, redis, "/readyz"));
    }
    const both = (of: (starts: readonly Start[]) => number) => [of(ours), of(theirs)];
    const wallMs = (starts: readonly Start[]) => starts.map((start) => start.openMs);
    const cpuMs = (starts: readonly Start[]) => starts.map((start) => start.cpuUs / 1000);
    const share = median(wallMs(ours)) / median(wallMs(theirs));
    const megabytes = statSync(holdfast).size / BYTES_PER_MEGABYTE;
    const unhealthy = ours.filter(({ status }) => status !== 200).length;
    return {
      columns: ["Holdfast", "plain Socket.IO"],
      figures: [
        { name: "process start to open port, median", unit: "ms", values: both((starts) => median(wallMs(starts))) },
        { name: "process start to open port, fastest", unit: "ms", values: both((of) => Math.min(...wallMs(of))) },
        { name: "process start to open port, slowest", unit: "ms", values: both((of) => Math.max(...wallMs(of))) },
        { name: "CPU until then, median", unit: "ms", values: both((starts) => median(cpuMs(starts))) },
        { name: "size of app/dist/main.mjs", unit: "MB", values: [megabytes, null] },
      ],
      targets: [
        { name: "process start to open port, against plain Socket.IO", unit: "x", value: share, atMost: 0.6 },
        { name: "size of app/dist/main.mjs", unit: "MB", value: megabytes, atMost: 1.5 },
      ],
      failures: unhealthy === 0 ? [] : [`/healthz did not answer 200 after ${unhealthy} of ${runs} starts`],
    };
  },
});

interface Start {
  readonly openMs: number;
  readonly cpuUs: number;
  /** What the route answered as soon as the port was open. */
  readonly status: number;
}

async function startOnce(entry: string, redis: RedisServer, route: string): Promise<Start> {
  const port = await freePort();
  const env = {
    PATH: process.env.PATH,
    PORT: String(port),
    REDIS_URL: redis.url,
    NODE_ENV: "production",
    AUTH: "anonymous",
    ALLOWED_ORIGINS: "https://app.example",
  };
  const startMs = performance.now();
  const server = spawn(process.execPath, [entry], { env, stdio: ["ignore", "ignore", "inherit"] });
  const ended = once(server, "close");
  try {
    while (!(await isOpen(port))) {
      if (server.exitCode !== null) throw new Error(`expected a server, it ended with code ${server.exitCode}`);
      await delay(askEveryMs);
    }
    const openMs = performance.now() - startMs;
    const cpuUs = cpuMicroseconds([{ pid: server.pid ?? 0 }]);
    return { openMs, cpuUs, status: (await fetch(`http://127.0.0.1:${port}${route}`)).status };
  } finally {
    server.kill("SIGKILL");
    await ended;
  }
}

/** Whether the port takes a connection. */
async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
