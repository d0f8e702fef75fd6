import { createCluster } from "redis";
import { Answers } from "./answers.ts";
import { type ClientEvents, clientOptions, type LinkRole, type RedisClient, socketOptions } from "./client.ts";

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
