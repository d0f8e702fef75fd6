import { createClient } from "redis";
import type { FakeClock } from "./fake-clock.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";
import { startRelay, type TcpRelay } from "./tcp-relay.ts";
import { waitFor } from "./wait.ts";

const PAUSE_MS = 10_000;

type Admin = Awaited<ReturnType<typeof openAdmin>>;

/** A master, and a second Redis that becomes its replica on demand and takes its place. Both keep their data on disk. */
export class RedisPair implements AsyncDisposable {
  #master: RedisServer;
  #other: RedisServer;
  /** Replication runs through it, so that it can fall behind. */
  readonly #replication: TcpRelay;

  private constructor(master: RedisServer, other: RedisServer, replication: TcpRelay) {
    this.#master = master;
    this.#other = other;
    this.#replication = replication;
  }

  /** Starts both, each by a clock of its own where some are given. */
  static async start(clocks: readonly [FakeClock, FakeClock] | [] = []): Promise<RedisPair> {
    const start = (clock: FakeClock | undefined) => {
      const args = ["--repl-diskless-sync-delay", "0"];
      return startRedis({ kind: "redis", persist: true, args, ...(clock && { clock }) });
    };
    const master = await start(clocks[0]);
    const other = await start(clocks[1]);
    return new RedisPair(master, other, await startRelay(master.port));
  }

  get master(): RedisServer {
    return this.#master;
  }

  /** The one that is no master, or was it last. */
  get other(): RedisServer {
    return this.#other;
  }

  /** Makes the other one a replica that has all data, whatever it was before. */
  async attachReplica(): Promise<void> {
    this.#replication.cutAll({ reset: true });
    this.#replication.targetPort = this.#master.port;
    this.#replication.heal();
    await this.#other.restart({ keepData: false });
    await asAdmin(this.#other, async (admin) => {
      await admin.replicaOf("127.0.0.1", this.#replication.port);
      const isInSync = async () => {
        const info = parseInfo(await admin.info());
        return info.master_link_status === "up" && info.aof_rewrite_in_progress === "0" && info.loading === "0";
      };
      await waitFor(isInSync, "the replica to have all data");
    });
  }

  /** From now on the replica misses what is written. */
  stallReplication(): void {
    this.#replication.blackhole();
  }

  /**
   * Puts the replica into the master's place, with the data that it has: all, where replication was not stalled. The
   * old master writes nothing any more while `before` runs. Gives back the old master, which still waits.
   */
  async promote(before: () => Promise<void>): Promise<RedisServer> {
    await this.pauseWriting(this.#master);
    await before();
    await this.promoteBesides();
    return this.#other;
  }

  /** Makes the replica a master while the old one goes on as if nothing had happened: until one of them ends, there are two. */
  async promoteBesides(): Promise<void> {
    await asAdmin(this.#other, (admin) => admin.sendCommand(["REPLICAOF", "NO", "ONE"]));
    [this.#master, this.#other] = [this.#other, this.#master];
    this.#replication.cutAll({ reset: true });
    this.#replication.heal();
  }

  /** Whatever would write waits, until the server is demoted, ends, or goes on by itself after 10 s. */
  async pauseWriting(server: RedisServer): Promise<void> {
    await asAdmin(server, (admin) => admin.sendCommand(["CLIENT", "PAUSE", String(PAUSE_MS), "WRITE"]));
  }

  /** Resolves when the replica has all that the master wrote. To be called when nothing writes. */
  async replicated(): Promise<void> {
    await asAdmin(this.#master, async (admin) => {
      const isThrough = async () => {
        const info = parseInfo(await admin.info("replication"));
        return info.slave0?.includes(`offset=${info.master_repl_offset},`);
      };
      await waitFor(isThrough, "the replica to have everything");
    });
  }

  /** Makes the old master a replica of the new one: its connections stay, and writing to it is refused. */
  async demoteOther(): Promise<void> {
    await asAdmin(this.#other, async (admin) => {
      await admin.replicaOf("127.0.0.1", this.#master.port);
      await admin.sendCommand(["CLIENT", "UNPAUSE"]);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#master[Symbol.asyncDispose]();
    await this.#other[Symbol.asyncDispose]();
    await this.#replication[Symbol.asyncDispose]();
  }
}

async function openAdmin(url: string) {
  const admin = createClient({ url });
  admin.on("error", () => undefined); // What fails is told by the command that fails.
  await admin.connect();
  return admin;
}

async function asAdmin<Answer>(server: RedisServer, work: (admin: Admin) => Promise<Answer>): Promise<Answer> {
  const admin = await openAdmin(server.url);
  try {
    return await work(admin);
  } finally {
    admin.destroy();
  }
}

function parseInfo(text: string): Readonly<Record<string, string>> {
  const pairs = text.split("\r\n").flatMap((line) => {
    const at = line.indexOf(":");
    return at === -1 ? [] : [[line.slice(0, at), line.slice(at + 1)] as const];
  });
  return Object.fromEntries(pairs);
}
