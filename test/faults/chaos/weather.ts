import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "redis";
import type { RedisServer } from "../../support/redis-server.ts";
import type { Cast } from "./cast.ts";
import type { Instance } from "./instance.ts";
import type { Line } from "./line.ts";
import type { Fault, PlannedFault } from "./plan.ts";
import type { Recorder } from "./recorder.ts";

export interface WeatherParts {
  readonly redis: RedisServer;
  readonly instances: readonly Instance[];
  /** One for each client. */
  readonly clientLines: readonly Line[];
  readonly cast: Cast;
  readonly recorder: Recorder;
}

/** Makes the faults of a plan happen, and counts them by kind. */
export class Weather {
  readonly happened = new Map<Fault["kind"], number>();
  /** When an instance was killed, stopped or frozen. */
  readonly instanceEndsMs: number[] = [];
  /** Connections between clients and instances that were reset. */
  cutConnections = 0;
  readonly #parts: WeatherParts;
  readonly #clear = new AbortController();

  #redisTurn: Promise<unknown> = Promise.resolve();

  constructor(parts: WeatherParts) {
    this.#parts = parts;
    // Every fault that lasts listens.
    setMaxListeners(0, this.#clear.signal);
  }

  /** Resolves after `forMs`, when every fault that had begun is over. */
  async run(plan: readonly PlannedFault[], forMs: number): Promise<void> {
    const startedMs = performance.now();
    const running: Promise<void>[] = [];
    for (const { atMs, fault } of plan) {
      await delay(Math.max(0, startedMs + atMs - performance.now()));
      running.push(this.#happen(fault));
    }
    await delay(Math.max(0, startedMs + forMs - performance.now()));
    this.#clear.abort();
    await Promise.all(running);
  }

  async #happen(fault: Fault): Promise<void> {
    if (await this.#apply(fault)) this.happened.set(fault.kind, (this.happened.get(fault.kind) ?? 0) + 1);
  }

  /** False where what the fault would hit was not there. */
  async #apply(fault: Fault): Promise<boolean> {
    const { redis, cast } = this.#parts;
    switch (fault.kind) {
      case "cut-clients":
        for (const client of fault.clients) this.cutConnections += this.#clientLine(client).cut();
        return true;
      case "silence-client":
        return this.#silence(this.#clientLine(fault.client), fault);
      case "slow-client":
        return this.#slow(this.#clientLine(fault.client), fault);
      case "return-client":
        return cast.comeBack(fault.client);
      case "kill-instance":
      case "stop-instance":
        return this.#replaceInstance(this.#instance(fault.instance), fault);
      case "freeze-instance":
        return this.#freeze(this.#instance(fault.instance), fault.forMs);
      case "cut-redis-link":
        return this.#instance(fault.instance).redisLine.cut() > 0;
      case "silence-redis-link":
        return this.#silence(this.#instance(fault.instance).redisLine, fault);
      case "slow-redis-link":
        return this.#slow(this.#instance(fault.instance).redisLine, fault);
      case "kill-redis-connections":
        return killConnections(redis.url, fault.role);
      case "freeze-redis":
      case "restart-redis":
      case "wipe-redis":
        return this.#inTurn(() => this.#hurtRedis(fault));
    }
  }

  /** The plan keeps Redis' faults apart, but on a busy machine a restart may take longer than planned. */
  #inTurn(fault: () => Promise<boolean>): Promise<boolean> {
    const turn = this.#redisTurn.then(fault);
    this.#redisTurn = turn.catch(() => undefined);
    return turn;
  }

  async #hurtRedis(fault: Extract<Fault, { kind: "freeze-redis" | "restart-redis" | "wipe-redis" }>): Promise<boolean> {
    const { redis } = this.#parts;
    if (fault.kind === "wipe-redis") return this.#wipe(fault.downMs);
    if (fault.kind === "freeze-redis") {
      redis.freeze();
      await this.#pause(fault.forMs);
      redis.thaw();
      return true;
    }
    await redis.kill();
    await this.#pause(fault.downMs);
    await redis.restart({ keepData: true });
    return true;
  }

  async #silence(line: Line, { forMs, end }: Extract<Fault, { kind: `silence-${string}` }>): Promise<boolean> {
    line.silence();
    await this.#pause(forMs);
    line.endSilence(end);
    return true;
  }

  async #slow(line: Line, { forMs, delayMs, splitBytes }: Extract<Fault, { kind: `slow-${string}` }>) {
    line.slow({ delayMs, splitBytes });
    await this.#pause(forMs);
    line.slow({ delayMs: 0, splitBytes: 0 });
    return true;
  }

  async #freeze(instance: Instance, forMs: number): Promise<boolean> {
    const frozen = instance.freeze();
    await this.#pause(forMs);
    instance.thaw();
    return frozen;
  }

  async #replaceInstance(instance: Instance, fault: Extract<Fault, { kind: "kill-instance" | "stop-instance" }>) {
    const isGone = fault.kind === "kill-instance" ? await instance.kill() : await instance.stop();
    if (!isGone) return false;
    await this.#pause(fault.downMs);
    await instance.start();
    return true;
  }

  /**
   * Redis dies and comes back without its data. Between the two it stands once more with its data, on lines that let
   * nothing pass, for the recorder to see what was stored up to the last moment.
   */
  async #wipe(downMs: number): Promise<boolean> {
    const { redis, instances, recorder } = this.#parts;
    for (const { redisLine } of instances) redisLine.silence();
    const lostAtMs = performance.now();
    recorder.pause();
    await redis.kill();
    recorder.ended(await redis.commandsOnDisk());
    await this.#pause(downMs);
    await redis.restart({ keepData: false });
    await recorder.replaced([redis.url], lostAtMs);
    recorder.resume();
    for (const { redisLine } of instances) redisLine.endSilence("heal");
    return true;
  }

  /** Ends early when the weather clears. */
  async #pause(forMs: number): Promise<void> {
    const { signal } = this.#clear;
    if (signal.aborted) return;
    await delay(forMs, undefined, { signal }).catch(() => undefined);
  }

  #clientLine(client: number): Line {
    const line = this.#parts.clientLines[client];
    if (line === undefined) throw new Error(`expected a client below ${this.#parts.clientLines.length}, got ${client}`);
    return line;
  }

  #instance(number: number): Instance {
    const instance = this.#parts.instances[number];
    if (instance === undefined)
      throw new Error(`expected an instance below ${this.#parts.instances.length}, got ${number}`);
    return instance;
  }
}

/** CLIENT KILL, as an operator or a hosted Redis does it. False when Redis was away. */
async function killConnections(url: string, role: "commands" | "subscriptions" | "all"): Promise<boolean> {
  const admin = createClient({
    url,
    disableOfflineQueue: true,
    socket: { reconnectStrategy: false, connectTimeout: 500 },
  });
  admin.on("error", () => undefined); // Redis may be killed or frozen itself at this moment
  try {
    await admin.connect();
    const targets = (await admin.clientList()).filter(
      ({ name }) => name.startsWith("holdfast-") && (role === "all" || name === `holdfast-${role}`),
    );
    for (const { id } of targets) await admin.sendCommand(["CLIENT", "KILL", "ID", String(id)]);
    return targets.length > 0;
  } catch {
    return false;
  } finally {
    admin.destroy();
  }
}
