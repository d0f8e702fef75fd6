import { setTimeout as delay } from "node:timers/promises";
import type { FakeClock } from "../../support/fake-clock.ts";
import { freePort } from "../../support/free-port.ts";
import { type ServerProcess, spawnServer } from "../../support/server-process.ts";
import { Line } from "./line.ts";

/** How long a load balancer goes on sending connections to an instance that has died. */
const HEALTH_LAG_MS = 300;
/** And to one that has stopped answering. */
const FROZEN_LAG_MS = 5_000;
const RESTART_PAUSE_MS = 200;

/** What became of a server process that nobody had asked to end. */
export interface Crash {
  readonly instance: number;
  readonly output: string;
}

export interface InstanceOptions {
  readonly number: number;
  readonly env: Readonly<Record<string, string>>;
  /** The port of a Redis, to which the instance gets a line of its own; else `env` names one. */
  readonly redisPort?: number | undefined;
  /** By which its processes live; default: the true one. */
  readonly clock?: FakeClock | undefined;
}

/** One place for a server process, its line to Redis, and what happens to both. */
export class Instance implements AsyncDisposable {
  readonly crashes: Crash[] = [];
  readonly redisLine: Line | undefined;
  readonly clock: FakeClock | undefined;
  /** The most that it was seen to use. */
  largestMemoryBytes = 0;
  readonly #number: number;
  readonly #env: Readonly<Record<string, string>>;
  readonly #port: number;
  #process: ServerProcess | undefined;
  #diedAtMs = 0;
  #frozenAtMs: number | undefined;
  #isWanted = true;
  #output = "";

  private constructor({ number, env, clock }: InstanceOptions, port: number, redisLine: Line | undefined) {
    this.#number = number;
    this.#port = port;
    this.redisLine = redisLine;
    this.clock = clock;
    this.#env = { ...env, ...(redisLine && { REDIS_URL: `redis://127.0.0.1:${redisLine.port}` }), ...clock?.env };
  }

  static async start(options: InstanceOptions): Promise<Instance> {
    const { redisPort, number } = options;
    const line = redisPort === undefined ? undefined : await Line.open(redisPort, number);
    const instance = new Instance(options, await freePort(), line);
    await instance.start();
    return instance;
  }

  get port(): number {
    return this.#port;
  }

  /** Everything that all its processes printed. */
  get output(): string {
    return this.#output + (this.#process?.output ?? "");
  }

  /** Whether a load balancer sends connections here. */
  get isRouted(): boolean {
    if (this.#frozenAtMs !== undefined) return performance.now() - this.#frozenAtMs < FROZEN_LAG_MS;
    return this.#process !== undefined || performance.now() - this.#diedAtMs < HEALTH_LAG_MS;
  }

  /** Starts a process, and another one where that does not come up, as a platform does, until one is healthy. */
  async start(): Promise<void> {
    while (this.#isWanted && this.#process === undefined) {
      const started = await spawnServer({ port: this.#port, env: this.#env });
      try {
        await started.ready();
        this.#process = started;
        void this.#watch(started);
      } catch {
        // Without Redis a server does not start. It says so in its output, which a failing run shows.
        await started.kill();
        this.#output += started.output;
        await delay(RESTART_PAUSE_MS);
      }
    }
  }

  /** SIGKILL. False when there is nothing to kill. */
  async kill(): Promise<boolean> {
    const killed = this.#release();
    await killed?.kill();
    return killed !== undefined;
  }

  /** SIGTERM, and it ends by itself. */
  async stop(): Promise<boolean> {
    const stopped = this.#release();
    if (stopped === undefined) return false;
    const { code } = await stopped.stop();
    if (code !== 0) this.crashes.push({ instance: this.#number, output: stopped.output });
    return true;
  }

  freeze(): boolean {
    this.#process?.freeze();
    if (this.#process !== undefined) this.#frozenAtMs = performance.now();
    return this.#process !== undefined;
  }

  thaw(): void {
    this.#process?.thaw();
    this.#frozenAtMs = undefined;
  }

  /** Looks at how much memory it uses. */
  measure(): void {
    if (this.#process === undefined || this.#process.ended !== undefined) return;
    this.largestMemoryBytes = Math.max(this.largestMemoryBytes, this.#process.memoryBytes());
  }

  async readyStatus(): Promise<number> {
    return this.#process?.readyStatus() ?? 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isWanted = false;
    await this.kill();
    await this.redisLine?.[Symbol.asyncDispose]();
    await this.clock?.[Symbol.asyncDispose]();
  }

  /** Takes the process out of service, so that its end is no crash. */
  #release(): ServerProcess | undefined {
    const released = this.#process;
    this.#process = undefined;
    this.#frozenAtMs = undefined;
    this.#diedAtMs = performance.now();
    this.#output += released?.output ?? "";
    return released;
  }

  async #watch(started: ServerProcess): Promise<void> {
    await started.exit;
    if (this.#process !== started) return;
    this.crashes.push({ instance: this.#number, output: started.output });
    this.#release();
    await this.start();
  }
}
