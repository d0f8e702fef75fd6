import { type RedisCluster, startRedisCluster } from "../../support/redis-cluster.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import type { RedisFault } from "./fault.ts";
import { freeze, killConnections, type RedisScene, type RedisWeather, restart, rewind } from "./redis-weather.ts";

/** A Redis Cluster of three masters, of which one fails at a time, and whose slots move. */
export class ClusterWeather implements RedisWeather {
  readonly #cluster: RedisCluster;
  /** A key of each room, which tells its slot. */
  readonly #roomKeys: readonly string[];

  private constructor(cluster: RedisCluster, roomKeys: readonly string[]) {
    this.#cluster = cluster;
    this.#roomKeys = roomKeys;
  }

  static async start(roomKeys: readonly string[]): Promise<ClusterWeather> {
    const args = ["--cluster-require-full-coverage", "no"];
    return new ClusterWeather(await startRedisCluster({ persist: true, args }), roomKeys);
  }

  get urls(): string[] {
    return this.#cluster.urls;
  }

  async apply(fault: RedisFault, scene: RedisScene): Promise<boolean> {
    switch (fault.kind) {
      case "kill-redis-connections": {
        const killed = await Promise.all(this.urls.map((url) => killConnections(url, fault.role)));
        return killed.includes(true);
      }
      case "freeze-redis":
        return freeze(this.#node(fault.node), fault.forMs, scene);
      case "restart-redis":
        return restart(this.#node(fault.node), fault, scene);
      case "rewind-redis":
        return rewind(this.#node(fault.node), fault, scene);
      case "wipe-redis":
        return rewind(this.#node(fault.node), { ...fault, lostMs: undefined }, scene);
      case "move-slot":
        return this.#moveSlot(fault);
      case "promote-replica":
      case "step-redis-clock":
        return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#cluster[Symbol.asyncDispose]();
  }

  async #moveSlot({ room, by }: Extract<RedisFault, { kind: "move-slot" }>): Promise<true> {
    const slot = await this.#cluster.slotOf(this.#roomKeys[room] ?? "");
    const from = await this.#cluster.ownerOf(slot);
    await this.#cluster.moveSlot(slot, from, (from + by) % this.#cluster.servers.length);
    return true;
  }

  #node(index: number): RedisServer {
    const server = this.#cluster.servers[index];
    if (server === undefined) throw new Error(`expected a node below ${this.#cluster.servers.length}, got ${index}`);
    return server;
  }
}
