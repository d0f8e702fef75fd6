import { createCluster, ErrorReply } from "redis";
import {
  learnMissingSlots,
  onChannelLeftBehind,
  subscribingClients,
  takeOverResubscribing,
} from "./node-redis-private.ts";
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
/** How long a master is away before the others are asked which master has its slots now. */
const topologyRefreshMs = 2_000;

/**
 * A cluster is treated as one connection that lives as long as one of its masters answers; commands for the slots of a
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
  const silence = new SilenceDetector();
  const onReady = () => {
    if (cluster.isReady) events.onReady();
  };
  cluster.on("node-ready", onReady);
  cluster.on("node-error", () => undefined);
  // Once the slots are known, an error concerns one node, or one attempt to learn the slots again.
  cluster.on("error", (error: Error) => {
    if (!cluster.isReady) events.onError(error);
  });
  // Being ready makes our subscriptions subscribe again, with an owner.
  takeOverResubscribing(cluster, onReady);
  onChannelLeftBehind(cluster, (channel) => {
    const forget = async () => cluster.sUnsubscribe(channel);
    void forget()
      .catch(() => undefined)
      .then(onReady);
  });

  const fromAnyMaster = <Reply>(ask: (client: NodeClient) => Promise<Reply>) =>
    Promise.any(cluster.masters.map(async (master) => ask(await cluster.nodeClient(master))));
  /** Asks the subscribing connections too; where one stays silent, its socket's time limit ends it. */
  const probe = () => {
    if (cluster.isReady) learnMissingSlots(cluster);
    for (const client of subscribingClients(cluster)) silence.ping(client).catch(() => undefined);
    return fromAnyMaster((client) => silence.ping(client).catch(refusalAsSignOfLife));
  };
  const toMasterOf = async <Reply>(key: string, command: () => Promise<Reply>): Promise<Reply> => {
    const startedMs = performance.now();
    const client = await cluster.getNodeClientForKey(key);
    if (performance.now() - startedMs > connectionWaitMs)
      throw new Error("the master of this slot was away for too long");
    return silence.run(client, command);
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
