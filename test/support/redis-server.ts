import { mkdtemp, readFile, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type LoggedCommand, parseAppendOnlyFile } from "./append-only-file.ts";
import type { FakeClock } from "./fake-clock.ts";
import { freePort } from "./free-port.ts";
import { redisServerBinary as binary, redisServerInstalled } from "./installed.ts";
import { ManagedProcess } from "./managed-process.ts";
import { answersPing } from "./redis-ping.ts";
import { waitFor } from "./wait.ts";

export type RedisKind = "redis" | "valkey";

export interface RedisOptions {
  /** `redis` is a redis-server process, `valkey` the embedded Valkey in a process; default: redis where it is installed. */
  readonly kind?: RedisKind;
  /** Default: a free one. */
  readonly port?: number;
  /** Keep every acknowledged write on disk, even through a SIGKILL, for `restart({ keepData: true })`; default false. */
  readonly persist?: boolean;
  /** The clock by which a redis-server lives; default: the true one. */
  readonly clock?: FakeClock;
  /** Further arguments of redis-server, e.g. `["--maxmemory", "10mb"]`. Ends the choice: the embedded one has none. */
  readonly args?: readonly string[];
}

/** A moment of a Redis' life, as its disk had it. */
export interface DiskSnapshot {
  readonly path: string;
  readonly bytes: number;
}

const valkeyScript = fileURLToPath(new URL("./valkey-process.mjs", import.meta.url));

const NOT_INSTALLED =
  `expected an executable "${binary}", found none: install it (apt-get install redis-server, brew install redis) ` +
  "or name one in REDIS_SERVER";

/** What redis-server, at its default log level, and our Valkey process print when they have the port. */
const READY = /Ready to accept connections/;

/**
 * Starts a Redis of one's own on loopback and resolves when it answers.
 *
 * @throws when `kind`, `persist`, `args` or `clock` ask for a redis-server and none is installed
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const needsRedis = options.persist === true || options.args !== undefined || options.clock !== undefined;
  const kind = options.kind ?? (redisServerInstalled || needsRedis ? "redis" : "valkey");
  if (kind === "redis" && !redisServerInstalled) throw new Error(NOT_INSTALLED);
  if (kind === "valkey" && needsRedis) throw new Error("expected kind redis for persist, args or clock, got valkey");
  const server = new RedisServer(kind, options.port ?? (await freePort()), options);
  try {
    await server.start();
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
  return server;
}

/** A running Redis. After `stop` or `kill`, `restart` brings it back on the same port. */
export class RedisServer implements AsyncDisposable {
  readonly kind: RedisKind;
  readonly port: number;
  readonly url: string;
  readonly #persist: boolean;
  readonly #clock: FakeClock | undefined;
  readonly #args: readonly string[];
  #process: ManagedProcess | undefined;
  #folder: string | undefined;

  constructor(kind: RedisKind, port: number, { persist = false, clock, args = [] }: RedisOptions) {
    this.kind = kind;
    this.port = port;
    this.url = `redis://127.0.0.1:${port}`;
    this.#persist = persist;
    this.#clock = clock;
    this.#args = args;
  }

  /** The process: its output, CPU and memory. */
  get process(): ManagedProcess {
    if (this.#process === undefined) throw new Error("expected a started Redis, got one that was never started");
    return this.#process;
  }

  async start(): Promise<void> {
    this.#folder ??= await mkdtemp(join(tmpdir(), "holdfast-redis-"));
    const env = { PATH: process.env.PATH, ...this.#clock?.env };
    const child = new ManagedProcess({ ...this.#command(), env, cwd: this.#folder });
    this.#process = child;
    const what = `${this.kind} on port ${this.port} to answer PING`;
    // PING alone could be answered by another process that has the port.
    const answers = async () => READY.test(child.output) && (await answersPing(this.port));
    await waitFor(async () => child.ended !== undefined || (await answers()), what);
    if (child.ended !== undefined) throw new Error(`expected ${what}, but it ended: ${child.output}`);
  }

  /** SIGTERM, as an operator stops it. */
  async stop(): Promise<void> {
    this.process.thaw();
    await this.process.stop();
  }

  /** SIGKILL, as a crash ends it. */
  async kill(): Promise<void> {
    await this.process.kill();
  }

  /** SIGSTOP: connections stay open and nothing answers. */
  freeze(): void {
    this.process.freeze();
  }

  /** SIGCONT. */
  thaw(): void {
    this.process.thaw();
  }

  /** Starts it again on the same port, killing it first where it still runs. With its data only if it was told to persist. */
  async restart({ keepData }: { readonly keepData: boolean }): Promise<void> {
    if (keepData && !this.#persist) throw new Error("expected persist: true for a restart with data");
    await this.kill();
    if (!keepData) await this.#removeFolder();
    await this.start();
  }

  /** How much it has written to disk so far: a snapshot to which `rewind` can go back. */
  async snapshot(): Promise<DiskSnapshot> {
    const path = await this.#appendOnlyFile();
    return { path, bytes: (await stat(path)).size };
  }

  /** What it wrote to disk since its data last came in one piece, from nothing or from a master. */
  async commandsOnDisk(): Promise<LoggedCommand[]> {
    return parseAppendOnlyFile(await readFile(await this.#appendOnlyFile()));
  }

  /** Puts the disk of a Redis that was killed back to an earlier moment, for `start` to begin there. */
  async rewind({ path, bytes }: DiskSnapshot): Promise<void> {
    if (this.process.ended === undefined) throw new Error("expected a Redis that has ended, got one that runs");
    if (path !== (await this.#appendOnlyFile())) throw new Error(`expected ${path} to be written still`);
    await truncate(path, bytes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.kill();
    await this.#removeFolder();
  }

  async #removeFolder(): Promise<void> {
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true, force: true });
    this.#folder = undefined;
  }

  /** The file to which it appends now, as the manifest has it: `file <name> seq <number> type i` is in use. */
  async #appendOnlyFile(): Promise<string> {
    if (!this.#persist || this.#folder === undefined) throw new Error("expected persist: true for what is on disk");
    const folder = join(this.#folder, "appendonlydir");
    const manifest = await readFile(join(folder, "appendonly.aof.manifest"), "utf8");
    const name = [...manifest.matchAll(/^file (\S+) seq \d+ type i/gm)].at(-1)?.[1];
    if (name === undefined) throw new Error(`expected an append-only file in the manifest, got: ${manifest}`);
    return join(folder, name);
  }

  #command() {
    if (this.kind === "valkey") {
      return { command: process.execPath, args: ["--no-warnings", valkeyScript, String(this.port)], ipc: true };
    }
    // Without fsync every write is still handed to the kernel before its answer, which outlives a killed process;
    // only a machine that loses power would lose it.
    // A file that is never rewritten lets `rewind` cut it back.
    const kept = ["--appendonly", "yes", "--appendfsync", "no", "--auto-aof-rewrite-percentage", "0"];
    const persistence = this.#persist ? kept : ["--appendonly", "no"];
    const args = ["--port", String(this.port), "--bind", "127.0.0.1", "--save", "", ...persistence, ...this.#args];
    return { command: binary, args };
  }
}
