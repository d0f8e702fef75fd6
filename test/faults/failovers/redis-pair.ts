import { createClient } from "redis";
import { type RedisServer, startRedis } from "../../support/redis-server.ts";
import { startRelay, type TcpRelay } from "../../support/tcp-relay.ts";
import { waitFor } from "../../support/wait.ts";

const PAUSE_MS = 10_000;

type Admin = Awaited<ReturnType<typeof openAdmin>>;

/** A master, and a second Redis that becomes its replica on demand and takes its place. Both keep their data on disk. */
export class RedisPair implements AsyncDisposable {
  #master: RedisServer;
  #other: RedisServer;
  /** Replication runs through it, so that it can fall behind. */
  readonly #replication: TcpRelay;

  constructor(master: RedisServer, other: RedisServer, replication: TcpRelay) {
    this.#master = master;
    this.#other = other;
    this.#replication = replication;
  }

  static async start(): Promise<RedisPair> {
    const options = { kind: "redis", persist: true, args: ["--repl-diskless-sync-delay", "0"] } as const;
    const master = await startRedis(options);
    const other = await startRedis(options);
    return new RedisPair(master, other, await startRelay(master.port));
  }

  get master(): RedisServer {
    return this.#master;
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
    const old = this.#master;
    await asAdmin(old, async (admin) => {
      await admin.sendCommand(["CLIENT", "PAUSE", String(PAUSE_MS), "WRITE"]);
      await before();
    });
    await asAdmin(this.#other, (admin) => admin.sendCommand(["REPLICAOF", "NO", "ONE"]));
    this.#master = this.#other;
    this.#other = old;
    this.#replication.cutAll({ reset: true });
    this.#replication.heal();
    return old;
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
