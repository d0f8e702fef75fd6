import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { createClient } from "redis";
import {
  type EmulatorSettings,
  type FunctionCompute,
  readServiceFile,
  startFunctionCompute,
} from "../function-compute/index.ts";
import { type RedisOptions, type RedisServer, startRedis } from "../support/redis-server.ts";

const serviceFile = fileURLToPath(new URL("../../s.yaml", import.meta.url));

/** What opens the HTTP room API, which production serves to its owner alone. */
const adminToken = "admin-token-of-the-end-to-end-tests";

export interface DeployOptions {
  /** Replace the file's `vars`. The file hands the timeout to the platform and to the server. */
  readonly vars?: { readonly timeout?: number; readonly instanceConcurrency?: number };
  /** Replace what the file and the platform's defaults say. */
  readonly settings?: Partial<EmulatorSettings>;
  /** The server's settings over the file's. */
  readonly env?: Readonly<Record<string, string>>;
  readonly redis?: RedisOptions;
  /** Where the instances find this Redis, given its port: a relay in front of it. Default: Redis itself. */
  readonly redisUrl?: (port: number) => Promise<string>;
  /** Arguments of Node.js in front of the file's own. */
  readonly nodeArgs?: readonly string[];
  /** Where the instances run; default: the folder of the code, as the file says. */
  readonly workingDirectory?: string;
}

/** What `s.yaml` deploys, on the emulator, with a Redis of its own. */
export interface Deployment extends AsyncDisposable {
  readonly fc: FunctionCompute;
  readonly redis: RedisServer;
}

/** Deploys `s.yaml` itself, so that what is tried is what goes to the platform. */
export async function deploy(options: DeployOptions = {}): Promise<Deployment> {
  const { vars = {}, settings = {}, env = {}, nodeArgs = [] } = options;
  const redis = await startRedis(options.redis);
  try {
    const url = (await options.redisUrl?.(redis.port)) ?? redis.url;
    const shell = {
      REDIS_URL: url,
      AUTH: "anonymous",
      ALLOWED_ORIGINS: "https://app.example",
      ADMIN_TOKEN: adminToken,
    };
    const file = readServiceFile(serviceFile, shell, vars);
    const [program = "", script = "", ...args] = file.command;
    const fc = await startFunctionCompute({
      settings: { ...file.settings, ...settings },
      command: [program, ...nodeArgs, resolve(file.workingDirectory, script), ...args],
      workingDirectory: options.workingDirectory ?? file.workingDirectory,
      env,
    });
    return {
      fc,
      redis,
      async [Symbol.asyncDispose]() {
        await fc.close();
        await redis[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await redis[Symbol.asyncDispose]();
    throw error;
  }
}

/** Publishes over HTTP as a back end does; gives back the answer. */
export function post(
  fc: FunctionCompute,
  room: string,
  id: string,
  text: string,
  headers: Readonly<Record<string, string>> = {},
  query = "",
): Promise<Response> {
  return fetch(`${fc.url}/rooms/${room}/messages${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${adminToken}`, ...headers },
    body: JSON.stringify({ id, event: "chat:message", data: { text } }),
    signal: AbortSignal.timeout(10_000),
  });
}

/** The positions of all messages that a room's log holds, oldest first, as the stream itself has them. */
export async function logPositions(redis: RedisServer, room: string): Promise<string[]> {
  await using admin = await inspect(redis);
  const entries = (await admin.client.xRange(`holdfast:{${room}}:log`, "-", "+")) ?? [];
  return entries.flatMap((entry) => entry?.id ?? []);
}

/** A connection of a test's own to Redis. */
export async function inspect(redis: RedisServer) {
  const client = createClient({ url: redis.url });
  client.on("error", (error: unknown) => console.error(`inspecting redis: ${String(error)}`));
  await client.connect();
  return {
    client,
    async [Symbol.asyncDispose]() {
      client.destroy();
    },
  };
}
