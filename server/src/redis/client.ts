import { createClient } from "redis";

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

export const socketOptions = {
  connectTimeout: 3_000,
  keepAliveInitialDelay: 5_000,
  reconnectStrategy: retryDelayMs,
} as const;

// Without the offline queue a command fails at once while Redis is away, instead of being carried out late. RESP3 lets
// a subscribing connection answer PING. Maintenance notifications are a feature of one hosted Redis that we do not use.
export const clientOptions = { RESP: 3, disableOfflineQueue: true, maintNotifications: "disabled" } as const;

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
