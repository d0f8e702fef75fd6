import type { SupervisedClient } from "./supervised-client.ts";

/** What answers at the other end. */
export interface Backend {
  readonly name: "Redis" | "Valkey";
  readonly version: string;
}

/**
 * Reads what `INFO server` says. Valkey reports a `redis_version` for compatibility beside its own.
 */
export function parseBackend(info: string): Backend | undefined {
  const field = (name: string) => new RegExp(`^${name}:(\\S+)`, "m").exec(info)?.[1];
  const valkey = field("valkey_version");
  if (valkey !== undefined) return { name: "Valkey", version: valkey };
  const redis = field("redis_version");
  return redis === undefined ? undefined : { name: "Redis", version: redis };
}

/**
 * Asks the server for its version. Throws a sentence with the next step when it is too old: the log needs `XADD
 * <epoch>-*` and sharded pub/sub, both of Redis 7.0.
 */
export async function requireBackend(redis: Pick<SupervisedClient, "run">): Promise<Backend> {
  const backend = parseBackend(await redis.run((client) => client.info()));
  if (backend === undefined)
    throw new Error("the server at REDIS_URL does not report its version; expected Redis 7.0 or later, or Valkey");
  if (backend.name === "Redis" && Number.parseInt(backend.version, 10) < 7) {
    throw new Error(
      `Redis ${backend.version} is too old: expected Redis 7.0 or later, or Valkey. Upgrade the server that REDIS_URL names.`,
    );
  }
  return backend;
}
