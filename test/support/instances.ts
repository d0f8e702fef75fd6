import { type RedisServer, startRedis } from "./redis-server.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { uniquePrefix } from "./unique.ts";

export interface InstancesOptions {
  /** Further settings of every instance. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default: one of its own, which ends with the instances. */
  readonly redis?: RedisServer;
}

/** Instances on one Redis, as a platform runs them. */
export interface Instances extends AsyncDisposable {
  readonly redis: RedisServer;
  readonly servers: readonly ServerProcess[];
  readonly keyPrefix: string;
  /** The address of one of them. */
  url(index: number): string;
}

/** Starts servers with the same settings; all of them, or none. */
export async function startServers(count: number, env: Readonly<Record<string, string>>): Promise<ServerProcess[]> {
  const started = await Promise.allSettled(Array.from({ length: count }, () => startServer({ env })));
  const servers = started.flatMap((outcome) => (outcome.status === "fulfilled" ? outcome.value : []));
  const failed = started.find((outcome) => outcome.status === "rejected");
  if (failed === undefined) return servers;
  await Promise.all(servers.map((server) => server.kill()));
  throw failed.reason;
}

export async function startInstances(count: number, options: InstancesOptions = {}): Promise<Instances> {
  const redis = options.redis ?? (await startRedis());
  const keyPrefix = uniquePrefix();
  const disposeRedis = async () => {
    if (options.redis === undefined) await redis[Symbol.asyncDispose]();
  };
  let servers: readonly ServerProcess[];
  try {
    servers = await startServers(count, {
      REDIS_URL: redis.url,
      KEY_PREFIX: keyPrefix,
      DRAIN_SECONDS: "0",
      ...options.env,
    });
  } catch (error) {
    await disposeRedis();
    throw error;
  }
  return {
    redis,
    servers,
    keyPrefix,
    url: (index) => {
      const server = servers[index];
      if (server === undefined) throw new Error(`expected an instance from 0 to ${count - 1}, got ${index}`);
      return server.url;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map((server) => server.kill()));
      await disposeRedis();
    },
  };
}

/** Lines in which a server tells of a fault of its own, which no misbehaviour of Redis or of a client may cause. */
export function faultsOf({ logs, output }: ServerProcess): unknown[] {
  const faults: unknown[] = logs.filter(({ level }) => Number(level) >= 50);
  if (/unhandled|uncaught|Warning: /i.test(output)) faults.push(output);
  return faults;
}
