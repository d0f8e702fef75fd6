import { spawn } from "node:child_process";
import { once } from "node:events";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { freePort } from "../../support/free-port.ts";
import { type RedisServer, startRedis } from "../../support/redis-server.ts";
import { defineBench } from "../bench.ts";
import { median } from "../rig/measure.ts";

const entry = fileURLToPath(new URL("../../../app/dist/main.mjs", import.meta.url));
const BYTES_PER_MEGABYTE = 1_000_000;

export const startup = defineBench<"runs">({
  summary: "time from process start to listening, with Redis there; size of the built server",
  options: { runs: { default: 10, meaning: "starts, of which the median counts" } },
  async run({ runs }) {
    await using redis = await startRedis();
    const starts: Start[] = [];
    for (let run = 0; run < runs; run += 1) starts.push(await startOnce(redis));
    const wallMs = starts.map((start) => start.listeningMs);
    const megabytes = statSync(entry).size / BYTES_PER_MEGABYTE;
    const unhealthy = starts.filter(({ status }) => status !== 200).length;
    return {
      columns: ["Holdfast"],
      figures: [
        { name: "process start to listening, median", unit: "ms", values: [median(wallMs)] },
        { name: "process start to listening, fastest", unit: "ms", values: [Math.min(...wallMs)] },
        { name: "process start to listening, slowest", unit: "ms", values: [Math.max(...wallMs)] },
        { name: "size of app/dist/main.mjs", unit: "MB", values: [megabytes] },
      ],
      targets: [
        { name: "process start to listening, median", unit: "ms", value: median(wallMs), atMost: 400 },
        { name: "size of app/dist/main.mjs", unit: "MB", value: megabytes, atMost: 1.5 },
      ],
      failures: unhealthy === 0 ? [] : [`/healthz did not answer 200 after ${unhealthy} of ${runs} starts`],
    };
  },
});

interface Start {
  readonly listeningMs: number;
  /** What `/healthz` answered right after the server said that it listens. */
  readonly status: number;
}

async function startOnce(redis: RedisServer): Promise<Start> {
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
  const server = spawn(process.execPath, [entry], { env, stdio: ["ignore", "pipe", "inherit"] });
  const ended = once(server, "close");
  try {
    const listeningMs = await new Promise<number>((resolve, reject) => {
      server.stdout.on("data", (text: Buffer) => {
        if (text.includes('"listening"')) resolve(performance.now() - startMs);
      });
      server.once("close", (code) => reject(new Error(`expected a server that listens, it ended with code ${code}`)));
    });
    return { listeningMs, status: (await fetch(`http://127.0.0.1:${port}/healthz`)).status };
  } finally {
    server.kill("SIGKILL");
    await ended;
  }
}
