import { createClient } from "redis";
import { freePort } from "./free-port.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { waitFor } from "./wait.ts";

const SLOTS = 16_384;
const MASTERS = 3;
const KEYS_PER_MIGRATION = 100;
const MIGRATION_TIMEOUT_MS = 5_000;

export interface ClusterOptions {
  /** Keep the data through a restart of a node; default false. */
  readonly persist?: boolean;
  /** Further arguments of each redis-server. */
  readonly args?: readonly string[];
}

interface Node {
  readonly server: RedisServer;
  readonly admin: Admin;
  readonly id: string;
}

type Admin = Awaited<ReturnType<typeof openAdmin>>;

async function openAdmin(url: string) {
  const admin = createClient({ url });
  // A node that a test kills ends this connection too; the next command tells, and node-redis reconnects.
  admin.on("error", () => undefined);
  await admin.connect();
  return admin;
}

/**
 * Starts three masters, a third of the slots each, and resolves when all of them agree on the cluster's state.
 *
 * @throws when no redis-server is installed
 */
export async function startRedisCluster(options: ClusterOptions = {}): Promise<RedisCluster> {
  const nodes: Node[] = [];
  const cluster = new RedisCluster(nodes);
  try {
    for (let index = 0; index < MASTERS; index += 1) nodes.push(await startNode(index, options));
    await cluster.meet();
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
  return cluster;
}

function clusterArgs(busPort: string): string[] {
  return ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", busPort];
}

async function startNode(index: number, { persist = false, args = [] }: ClusterOptions): Promise<Node> {
  const busPort = String(await freePort());
  const server = await startRedis({ kind: "redis", persist, args: [...clusterArgs(busPort), ...args] });
  const admin = await openAdmin(server.url);
  await admin.clusterAddSlotsRange(slotsOf(index));
  // Distinct epochs before they meet spare them the vote over who owns what.
  await admin.sendCommand(["CLUSTER", "SET-CONFIG-EPOCH", String(index + 1)]);
  return { server, admin, id: await admin.clusterMyId() };
}

function slotsOf(index: number): { start: number; end: number } {
  return {
    start: Math.floor((index * SLOTS) / MASTERS),
    end: Math.floor(((index + 1) * SLOTS) / MASTERS) - 1,
  };
}

/** Three masters, without replicas until some are added. */
export class RedisCluster implements AsyncDisposable {
  readonly #nodes: readonly Node[];
  readonly #replicas: RedisServer[] = [];

  constructor(nodes: readonly Node[]) {
    this.#nodes = nodes;
  }

  get urls(): string[] {
    return this.servers.map((server) => server.url);
  }

  /** What `REDIS_URL` takes. */
  get url(): string {
    return this.urls.join(",");
  }

  get servers(): RedisServer[] {
    return this.#nodes.map((node) => node.server);
  }

  /** Makes the nodes know each other, and waits until each sees all slots served. */
  async meet(): Promise<void> {
    const [first, ...others] = this.#nodes;
    for (const { server } of others) {
      const bus = await this.#busPort(server);
      await first?.admin.sendCommand(["CLUSTER", "MEET", "127.0.0.1", String(server.port), bus]);
    }
    await this.settled();
  }

  /** Resolves when each node sees all of them and all slots served, as it does some seconds after one of them was away. */
  async settled(): Promise<void> {
    await this.#waitUntilAll(
      (info) =>
        info.cluster_state === "ok" &&
        info.cluster_known_nodes === String(MASTERS) &&
        info.cluster_slots_ok === String(SLOTS),
    );
  }

  /** The slot of a key, by Redis' own reckoning. */
  async slotOf(key: string): Promise<number> {
    return this.#node(0).admin.clusterKeySlot(key);
  }

  /** Which of the servers owns a slot at the moment. */
  async ownerOf(slot: number): Promise<number> {
    const shards = await this.#node(0).admin.clusterSlots();
    const owner = shards.find((shard) => shard.from <= slot && slot <= shard.to);
    return this.#nodes.findIndex((node) => node.id === owner?.master.id);
  }

  /**
   * Moves one slot with all its keys while clients go on using it, as `redis-cli --cluster reshard` does:
   * https://redis.io/docs/latest/commands/cluster-setslot/#redis-cluster-live-resharding-explained
   */
  async moveSlot(slot: number, fromIndex: number, toIndex: number): Promise<void> {
    const from = this.#node(fromIndex);
    const to = this.#node(toIndex);
    await to.admin.clusterSetSlot(slot, "IMPORTING", from.id);
    await from.admin.clusterSetSlot(slot, "MIGRATING", to.id);
    for (;;) {
      const keys = await from.admin.clusterGetKeysInSlot(slot, KEYS_PER_MIGRATION);
      if (keys.length === 0) break;
      await from.admin.migrate("127.0.0.1", to.server.port, keys, 0, MIGRATION_TIMEOUT_MS);
    }
    // The new owner first: were it the old one, a client could be sent back and forth until the news has spread.
    const rest = this.#nodes.filter((node) => node !== to && node !== from);
    for (const node of [to, from, ...rest]) await node.admin.clusterSetSlot(slot, "NODE", to.id);
  }

  /** Starts a replica of a master, and resolves when it has its data. It ends with the cluster. */
  async addReplica(masterIndex: number): Promise<RedisServer> {
    const master = this.#node(masterIndex);
    const busPort = String(await freePort());
    const replica = await startRedis({ kind: "redis", args: clusterArgs(busPort) });
    this.#replicas.push(replica);
    const admin = await openAdmin(replica.url);
    try {
      const masterBus = await this.#busPort(master.server);
      await admin.sendCommand(["CLUSTER", "MEET", "127.0.0.1", String(master.server.port), masterBus]);
      // A node can follow a master only once it has heard of it.
      await waitFor(
        async () => String(await admin.sendCommand(["CLUSTER", "REPLICATE", master.id])) === "OK",
        `${replica.url} to become a replica`,
      );
      await waitFor(
        async () => (await admin.info("replication")).includes("master_link_status:up"),
        `${replica.url} to have the data of its master`,
      );
    } finally {
      admin.destroy();
    }
    return replica;
  }

  /** Makes a replica the master of its slots, and its master a replica, as for maintenance. */
  async failOver(replica: RedisServer): Promise<void> {
    const admin = await openAdmin(replica.url);
    try {
      await waitFor(
        async () => String(await admin.sendCommand(["CLUSTER", "FAILOVER"])) === "OK",
        "the failover to begin",
      );
      await waitFor(async () => (await admin.info("replication")).includes("role:master"), "the replica to take over");
    } finally {
      admin.destroy();
    }
  }

  /** Makes the others forget a node that is dead; its slots belong to nobody then. */
  async forget(deadIndex: number): Promise<void> {
    const dead = this.#node(deadIndex);
    const alive = this.#nodes.filter((node) => node !== dead);
    await Promise.all(alive.map(({ admin }) => admin.clusterForget(dead.id)));
  }

  /** Gives the slots of a forgotten node, which are empty then, to one of the others. */
  async adopt(forgottenIndex: number, heirIndex: number): Promise<void> {
    await this.#node(heirIndex).admin.clusterAddSlotsRange(slotsOf(forgottenIndex));
  }

  /** Takes a slot from its owner; it belongs to nobody then. */
  async abandonSlot(slot: number): Promise<void> {
    // The owner first, which announces it: were it the last, the others could learn from it anew whose slot it is.
    const owner = await this.ownerOf(slot);
    const rest = this.#nodes.filter((_, index) => index !== owner);
    for (const { admin } of [this.#node(owner), ...rest]) {
      await admin.clusterDelSlots(slot).catch((error: unknown) => {
        if (!String(error).includes("already unassigned")) throw error;
      });
    }
  }

  /** Gives a slot that belongs to nobody to one of the masters. */
  async adoptSlot(slot: number, heirIndex: number): Promise<void> {
    await this.#node(heirIndex).admin.clusterAddSlots(slot);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { admin } of this.#nodes) admin.destroy();
    await Promise.all([...this.servers, ...this.#replicas].map((server) => server[Symbol.asyncDispose]()));
  }

  #node(index: number): Node {
    const node = this.#nodes[index];
    if (node === undefined) throw new Error(`expected a node from 0 to ${this.#nodes.length - 1}, got ${index}`);
    return node;
  }

  async #busPort(server: RedisServer): Promise<string> {
    const node = this.#nodes.find((candidate) => candidate.server === server);
    const { "cluster-port": port } = (await node?.admin.configGet("cluster-port")) ?? {};
    if (port === undefined) throw new Error(`expected a cluster-port of ${server.url}: Redis below 7.0 has none`);
    return port;
  }

  async #waitUntilAll(settled: (info: Record<string, string>) => boolean): Promise<void> {
    for (const { admin, server } of this.#nodes) {
      await waitFor(
        async () => settled(parseInfo(await admin.clusterInfo())),
        `${server.url} to see the whole cluster`,
      );
    }
  }
}

function parseInfo(text: string): Record<string, string> {
  return Object.fromEntries(text.split("\r\n").map((line) => line.split(":", 2) as [string, string]));
}
