import { type RedisCluster, startRedisCluster } from "../../support/redis-cluster.ts";
import type { RedisServer } from "../../support/redis-server.ts";
import type { RedisFault } from "./fault.ts";
import { freeze, killConnections, type RedisScene, type RedisWeather, restart, rewind } from "./redis-weather.ts";

/** A Redis Cluster of three masters, of which one fails at a time, and whose slots move. */
export class ClusterWeather implements RedisWeather {
  readonly #cluster: RedisCluster;
  readonly #rooms: readonly string[];
  /** A key of a room, which tells its slot. */
  readonly #keyOf: (room: string) => string;

  private constructor(cluster: RedisCluster, rooms: readonly string[], keyOf: (room: string) => string) {
    this.#cluster = cluster;
    this.#rooms = rooms;
    this.#keyOf = keyOf;
  }

  static async start(rooms: readonly string[], keyOf: (room: string) => string): Promise<ClusterWeather> {
    const args = ["--cluster-require-full-coverage", "no"];
    return new ClusterWeather(await startRedisCluster({ persist: true, args }), rooms, keyOf);
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
        return this.#wipe(fault, scene);
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

  /** A master dies and comes back with its slots, and with nothing in them. */
  async #wipe({ node, downMs }: Extract<RedisFault, { kind: "wipe-redis" }>, scene: RedisScene): Promise<true> {
    const { recorder, pause } = scene;
    await this.#cluster.settled();
    const server = this.#node(node);
    const nothing = { ...(await server.snapshot()), bytes: 0 };
    const owners = await Promise.all(
      this.#rooms.map(async (room) => this.#cluster.ownerOf(await this.#cluster.slotOf(this.#keyOf(room)))),
    );
    const rooms = this.#rooms.filter((_, index) => owners[index] === node);
    recorder.pause();
    const atMs = performance.now();
    await server.kill();
    recorder.wiped(await server.commandsOnDisk(), rooms, atMs);
    await server.rewind(nothing);
    await pause(downMs);
    await server.start();
    recorder.resume();
    return true;
  }

  async #moveSlot({ room, by }: Extract<RedisFault, { kind: "move-slot" }>): Promise<true> {
    await this.#cluster.settled();
    const slot = await this.#cluster.slotOf(this.#keyOf(this.#rooms[room] ?? ""));
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
