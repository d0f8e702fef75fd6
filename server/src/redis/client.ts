import { createClient, createCluster } from "redis";
import { Answers } from "./answers.ts";

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

/** How long a command waits for the connection to its master; one that waited longer would be carried out late. */
const connectionWaitMs = 1_000;
/** A silent connection is given up after this; it is longer than the freezes of a process that are worth surviving. */
const silentSocketMs = 8_000;
/** How long a master is away before the others are asked who has its slots. */
const topologyRefreshMs = 2_000;

/**
 * A cluster counts as one connection that lives as long as one of its masters answers; commands for the slots of a
 * master that is away or silent fail, at the latest by their own time limit.
 */
export function createClusterClient(urls: readonly string[], role: LinkRole, events: ClientEvents): RedisClient {
  const first = new URL(urls[0] ?? "redis://localhost");
  const credentials = {
    ...(first.username === "" ? {} : { username: decodeURIComponent(first.username) }),
    ...(first.password === "" ? {} : { password: decodeURIComponent(first.password) }),
  };
  const socket = { ...socketOptions, socketTimeout: silentSocketMs };
  const cluster = createCluster({
    rootNodes: urls.map((url) => ({ url })),
    defaults: {
      name: `holdfast-${role}`,
      ...credentials,
      ...clientOptions,
      socket: first.protocol === "rediss:" ? { ...socket, tls: true } : socket,
    },
    RESP: 3,
    // Connecting to every master at once would never end while one of them is away.
    minimizeConnections: true,
    topologyRefreshOnReconnectionAttemptStrategy: topologyRefreshMs,
  });
  const answers = new Answers();
  const onReady = () => {
    if (cluster.isReady) events.onReady();
  };
  cluster.on("node-ready", onReady);
  cluster.on("node-error", () => undefined);
  // Once the slots are known, an error is one node's, or that of one attempt to learn the slots anew.
  cluster.on("error", (error: Error) => {
    if (!cluster.isReady) events.onError(error);
  });
  // When a master leaves, node-redis subscribes to its channels elsewhere without awaiting it, and the first refusal
  // would end the process. Being ready makes our subscriptions do the same, with an owner.
  cluster.removeAllListeners("__resubscribeListeners");
  cluster.on("__resubscribeListeners", onReady);

  // A channel could not follow its slot to another master, where node-redis may yet count it as subscribed.
  cluster.on("sharded-channel-moved-error", (_error: Error, channel: string) => {
    void sUnsubscribe(channel)
      .catch(() => undefined)
      .then(onReady);
  });

  const sUnsubscribe = async (channel: string) => cluster.sUnsubscribe(channel);
  const fromAnyMaster = <Reply>(ask: (client: NodeClient) => Promise<Reply>) =>
    Promise.any(cluster.masters.map(async (master) => ask(await cluster.nodeClient(master))));
  /** Asks the subscribing connections too; where one stays silent, its socket's time limit ends it. */
  const ping = () => {
    // No master tells where a slot went that belonged to nobody when the slots were learnt.
    const owners: readonly unknown[] = cluster.slots;
    if (cluster.isReady && owners.includes(undefined)) cluster._slots.rediscover().catch(() => undefined);
    for (const { pubSub } of cluster.masters) {
      if (pubSub?.client.isReady) answers.ping(pubSub.client).catch(() => undefined);
    }
    return fromAnyMaster((client) => answers.ping(client));
  };
  const toMasterOf = async <Reply>(key: string, command: () => Promise<Reply>): Promise<Reply> => {
    const startedMs = Date.now();
    const client = await cluster.getNodeClientForKey(key);
    if (Date.now() - startedMs > connectionWaitMs) throw new Error("the master of this slot was away for too long");
    return answers.expect(client, command);
  };
  type NodeClient = Awaited<ReturnType<typeof cluster.getNodeClientForKey>>;
  return {
    connect: async () => {
      await cluster.connect();
      onReady();
    },
    destroy: () => cluster.destroy(),
    ping,
    info: () => fromAnyMaster((client) => client.info("server")),
    evalSha: (sha, keys, args) => toMasterOf(keys[0] ?? "", () => cluster.evalSha(sha, { keys, arguments: args })),
    // A master that is away at the moment, or that comes later, gets a script with its first call.
    scriptLoad: (source) => fromAnyMaster((client) => client.scriptLoad(source)),
    eval: (source, keys, args) => toMasterOf(keys[0] ?? "", () => cluster.eval(source, { keys, arguments: args })),
    sSubscribe: (channel, listener) => cluster.sSubscribe(channel, listener, true),
    sUnsubscribe,
    sPublish: (channel, message) => toMasterOf(channel, () => cluster.sPublish(channel, message)),
  };
}
