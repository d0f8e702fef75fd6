import { fileURLToPath } from "node:url";
import { type RedisServer, startRedis } from "../../support/redis-server.ts";
import { type ServerProcess, startServer } from "../../support/server-process.ts";

/** How plain Socket.IO's instances hear of each other: an adapter of Redis and its mode. */
type PlainAdapter = "dynamic" | "static" | "classic" | "streams";

/** What is deployed: Holdfast, plain Socket.IO on an adapter, or a server without a library. */
export type Kind = "holdfast" | PlainAdapter | "recipe";

export interface DeploymentOptions {
  readonly instances: number;
  /** Further settings. */
  readonly env?: Readonly<Record<string, string>>;
  /** Holdfast's application; default: the one that ships. */
  readonly entry?: string;
  /** Arguments of Node.js for every instance, e.g. `["--cpu-prof"]`. */
  readonly nodeArgs?: readonly string[];
}

/** Starts a Redis and server processes on it, and nothing that others use. */
export async function deploy(
  kind: Kind,
  { instances, env = {}, entry = "app/dist/main.mjs", nodeArgs = profilingArgs() }: DeploymentOptions,
): Promise<Deployment> {
  const redis = await startRedis();
  const deployment = new Deployment(redis, (further) => {
    const all = { ...env, ...further, REDIS_URL: redis.url };
    if (kind === "holdfast") return startServer({ nodeArgs, entry, env: { ...holdfastEnv, ...all } });
    const other = kind === "recipe" ? recipeServer : plainServer;
    return startServer({ nodeArgs, entry: other, env: { NODE_ENV: "production", ...all, ADAPTER: kind } });
  });
  try {
    for (let index = 0; index < instances; index += 1) await deployment.start();
  } catch (error) {
    await deployment[Symbol.asyncDispose]();
    throw error;
  }
  return deployment;
}

const recipeServer = fileURLToPath(new URL("./ws-server.mjs", import.meta.url));
const plainServer = fileURLToPath(new URL("./plain-server.mjs", import.meta.url));
const holdfastEnv = {
  NODE_ENV: "production",
  AUTH: "anonymous",
  ALLOWED_ORIGINS: "https://app.example",
  LOG_LEVEL: "warn",
  DRAIN_SECONDS: "0",
};

/** `BENCH_CPU_PROF=<folder>` writes a CPU profile of every server there when it ends. */
function profilingArgs(): readonly string[] {
  const folder = process.env.BENCH_CPU_PROF;
  return folder ? ["--cpu-prof", `--cpu-prof-dir=${folder}`] : [];
}

/** Servers and their Redis. */
export class Deployment implements AsyncDisposable {
  readonly redis: RedisServer;
  readonly #start: (env: Readonly<Record<string, string>>) => Promise<ServerProcess>;
  readonly #servers: ServerProcess[] = [];

  constructor(redis: RedisServer, start: (env: Readonly<Record<string, string>>) => Promise<ServerProcess>) {
    this.redis = redis;
    this.#start = start;
  }

  /** All that were started, those that have ended among them. */
  get servers(): readonly ServerProcess[] {
    return this.#servers;
  }

  /** Starts one more server, with further settings, and resolves when it is ready. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
    const server = await this.#start(env);
    this.#servers.push(server);
    return server;
  }

  get urls(): readonly string[] {
    return this.servers.map(({ url }) => url);
  }

  /** The server with this number, counted from 0. */
  server(index: number): ServerProcess {
    const server = this.servers[index];
    if (server === undefined) throw new Error(`expected a server 0 to ${this.servers.length - 1}, got ${index}`);
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // A profile is written by a process that ends by itself.
    const end = (server: ServerProcess) =>
      profilingArgs().length > 0 ? server.signal("SIGTERM") : server.signal("SIGKILL");
    for (const server of this.servers) end(server);
    await Promise.all(this.servers.map(({ exit }) => exit));
    await this.redis[Symbol.asyncDispose]();
  }
}
