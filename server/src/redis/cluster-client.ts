import { createCluster, ErrorReply } from "redis";
import { withProtocolFallback } from "./protocol-fallback.ts";
import type { ClientEvents, ClientRole, ProtocolVersion, RedisClient } from "./redis-client.ts";
import { SilenceDetector } from "./silence.ts";
import { clientOptions, socketOptions } from "./single-client.ts";

/** Addresses of some nodes of a cluster, from which the others are learnt. */
export type ClusterUrls = readonly [string, ...string[]];

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
export function createClusterClient(urls: ClusterUrls, role: ClientRole, events: ClientEvents): RedisClient {
  return withProtocolFallback(events, (protocol, itsEvents) => connectableCluster(urls, role, protocol, itsEvents));
}

function connectableCluster(
  urls: ClusterUrls,
  role: ClientRole,
  protocol: ProtocolVersion,
  events: ClientEvents,
): RedisClient {
  const first = new URL(urls[0]);
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
    RESP: protocol,
    // Connecting to every master at once would never end while one of them is away.
    minimizeConnections: true,
    topologyRefreshOnReconnectionAttemptStrategy: topologyRefreshMs,
  });
  const answers = new SilenceDetector();
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

  // A channel could not follow its slot to another master, where node-redis may still count it as subscribed.
  cluster.on("sharded-channel-moved-error", (_error: Error, channel: string) => {
    const forget = async () => cluster.sUnsubscribe(channel);
    void forget()
      .catch(() => undefined)
      .then(onReady);
  });

  const fromAnyMaster = <Reply>(ask: (client: NodeClient) => Promise<Reply>) =>
    Promise.any(cluster.masters.map(async (master) => ask(await cluster.nodeClient(master))));
  /** Asks the subscribing connections too; where one stays silent, its socket's time limit ends it. */
  const probe = () => {
    // A slot without an owner at discovery is never redirected: discover again.
    const owners: readonly unknown[] = cluster.slots;
    if (cluster.isReady && owners.includes(undefined)) cluster._slots.rediscover().catch(() => undefined);
    for (const { pubSub } of cluster.masters) {
      if (pubSub?.client.isReady) answers.ping(pubSub.client).catch(() => undefined);
    }
    return fromAnyMaster((client) => answers.ping(client).catch(refusalAsSignOfLife));
  };
  const toMasterOf = async <Reply>(key: string, command: () => Promise<Reply>): Promise<Reply> => {
    const startedMs = performance.now();
    const client = await cluster.getNodeClientForKey(key);
    if (performance.now() - startedMs > connectionWaitMs)
      throw new Error("the master of this slot was away for too long");
    return answers.expect(client, command);
  };
  type NodeClient = Awaited<ReturnType<typeof cluster.getNodeClientForKey>>;
  return {
    redirects: true,
    connect: async () => {
      await cluster.connect();
      onReady();
    },
    destroy: () => cluster.destroy(),
    probe,
    info: () => fromAnyMaster((client) => client.info("server")),
    evalSha: (sha, keys, args) => toMasterOf(keys[0], () => cluster.evalSha(sha, { keys, arguments: args })),
    // A master that is away at the moment, or that comes later, gets a script with its first call.
    scriptLoad: (source) => fromAnyMaster((client) => client.scriptLoad(source)),
    eval: (source, keys, args) => toMasterOf(keys[0], () => cluster.eval(source, { keys, arguments: args })),
    sSubscribe: (channel, listener) => cluster.sSubscribe(channel, listener, true),
    sUnsubscribe: async (channel, listener) => cluster.sUnsubscribe(channel, listener, true),
    sPublish: (channel, message) => toMasterOf(channel, () => cluster.sPublish(channel, message)),
  };
}

/** A master that cannot save to its disk refuses even a PING, and lives. */
function refusalAsSignOfLife(error: unknown): void {
  if (!(error instanceof ErrorReply)) throw error;
}
