import { createClient, createCluster } from "redis";

/** Names the part that a connection plays, in logs and in Redis' CLIENT LIST. */
export type LinkRole = "commands" | "subscriptions";

export interface ClientEvents {
  /** The connection is established and, after a reconnection, subscribed again. */
  readonly onReady: () => void;
  /** The connection broke or an attempt failed; node-redis goes on trying by itself. */
  readonly onError: (error: Error) => void;
}

/** What Holdfast asks of Redis: the same for a single server and for a cluster. */
export interface RedisClient {
  connect(): Promise<unknown>;
  /** Closes at once; commands under way are rejected. */
  destroy(): void;
  ping(): Promise<unknown>;
  /** Text of `INFO server`. */
  info(): Promise<string>;
  evalSha(sha: string, keys: string[], args: string[]): Promise<unknown>;
  /** Puts a script into the script cache of every master. */
  scriptLoad(source: string): Promise<unknown>;
  eval(source: string, keys: string[], args: string[]): Promise<unknown>;
  sSubscribe(channel: string, listener: (message: Buffer, channel: Buffer) => void): Promise<unknown>;
  sUnsubscribe(channel: string): Promise<unknown>;
  sPublish(channel: string, message: string): Promise<unknown>;
}

const firstRetryDelayMs = 50;
const longestRetryDelayMs = 2_000;

/** Delay before the nth reconnection: exponential with full jitter, so that instances do not return in step. */
function retryDelayMs(retries: number): number {
  const ceilingMs = Math.min(longestRetryDelayMs, firstRetryDelayMs * 2 ** Math.min(retries, 10));
  return Math.ceil(Math.random() * ceilingMs);
}

const socketOptions = {
  connectTimeout: 3_000,
  keepAliveInitialDelay: 5_000,
  reconnectStrategy: retryDelayMs,
} as const;

// Without the offline queue a command fails at once while Redis is away, instead of being carried out late. RESP3 lets
// a subscribing connection answer PING. Maintenance notifications are a feature of one hosted Redis that we do not use.
const clientOptions = { RESP: 3, disableOfflineQueue: true, maintNotifications: "disabled" } as const;

export function createSingleClient(url: string, role: LinkRole, events: ClientEvents): RedisClient {
  const client = createClient({ url, name: `holdfast-${role}`, socket: socketOptions, ...clientOptions });
  client.on("ready", events.onReady);
  client.on("error", events.onError);
  return {
    connect: () => client.connect(),
    destroy: () => client.destroy(),
    ping: () => client.ping(),
    info: () => client.info("server"),
    evalSha: (sha, keys, args) => client.evalSha(sha, { keys, arguments: args }),
    scriptLoad: (source) => client.scriptLoad(source),
    eval: (source, keys, args) => client.eval(source, { keys, arguments: args }),
    sSubscribe: (channel, listener) => client.sSubscribe(channel, listener, true),
    sUnsubscribe: (channel) => client.sUnsubscribe(channel),
    sPublish: (channel, message) => client.sPublish(channel, message),
  };
}

/**
 * A cluster counts as one connection that lives as long as one of its masters answers; commands for the slots of a
 * master that is away fail by their own time limit.
 */
export function createClusterClient(urls: readonly string[], role: LinkRole, events: ClientEvents): RedisClient {
  const first = new URL(urls[0] ?? "redis://localhost");
  const credentials = {
    ...(first.username === "" ? {} : { username: decodeURIComponent(first.username) }),
    ...(first.password === "" ? {} : { password: decodeURIComponent(first.password) }),
  };
  const cluster = createCluster({
    rootNodes: urls.map((url) => ({ url })),
    defaults: {
      name: `holdfast-${role}`,
      ...credentials,
      ...clientOptions,
      socket: first.protocol === "rediss:" ? { ...socketOptions, tls: true } : socketOptions,
    },
    RESP: 3,
  });
  cluster.on("node-ready", events.onReady);
  cluster.on("node-error", () => undefined);
  cluster.on("error", events.onError);
  const firstMaster = async () => {
    const [master] = cluster.masters;
    if (master === undefined) throw new Error("the cluster has no master");
    return cluster.nodeClient(master);
  };
  return {
    connect: () => cluster.connect(),
    destroy: () => cluster.destroy(),
    ping: () => Promise.any(cluster.masters.map(async (master) => (await cluster.nodeClient(master)).ping())),
    info: async () => (await firstMaster()).info("server"),
    evalSha: (sha, keys, args) => cluster.evalSha(sha, { keys, arguments: args }),
    scriptLoad: (source) =>
      Promise.all(cluster.masters.map(async (master) => (await cluster.nodeClient(master)).scriptLoad(source))),
    eval: (source, keys, args) => cluster.eval(source, { keys, arguments: args }),
    sSubscribe: (channel, listener) => cluster.sSubscribe(channel, listener, true),
    sUnsubscribe: async (channel) => cluster.sUnsubscribe(channel),
    sPublish: (channel, message) => cluster.sPublish(channel, message),
  };
}
