import { setMaxListeners } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import type { Cast } from "./cast.ts";
import type { ClientFault, Fault, InstanceFault, RedisFault, StrangerFault } from "./fault.ts";
import type { Instance } from "./instance.ts";
import type { Line } from "./line.ts";
import type { PlannedFault } from "./plan.ts";
import type { Recorder } from "./recorder.ts";
import type { RedisWeather } from "./redis-weather.ts";
import { forgePosition, readNothing } from "./strangers.ts";

export interface WeatherParts {
  readonly redis: RedisWeather;
  readonly instances: readonly Instance[];
  /** One for each client. */
  readonly clientLines: readonly Line[];
  readonly cast: Cast;
  readonly recorder: Recorder;
  readonly rooms: readonly string[];
  /** A room with long messages, of which nobody is a member. */
  readonly ballast: string;
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
  readonly #failures: Error[] = [];
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
    if (this.#failures[0] !== undefined) throw this.#failures[0];
  }

  async #happen(fault: Fault): Promise<void> {
    try {
      if (await this.#apply(fault)) this.happened.set(fault.kind, (this.happened.get(fault.kind) ?? 0) + 1);
    } catch (error) {
      // It is our own doing that failed: told when the weather is over.
      this.#failures.push(new Error(`expected ${JSON.stringify(fault)} to happen`, { cause: error }));
    }
  }

  /** False where what the fault would hit was not there. */
  #apply(fault: Fault): Promise<boolean> {
    switch (fault.kind) {
      case "cut-clients":
      case "silence-client":
      case "slow-client":
      case "return-client":
        return this.#hurtClients(fault);
      case "kill-instance":
      case "stop-instance":
      case "freeze-instance":
      case "step-instance-clock":
      case "cut-redis-link":
      case "silence-redis-link":
      case "slow-redis-link":
        return this.#hurtInstance(this.#instance(fault.instance), fault);
      case "forge-position":
      case "deaf-reader":
        return this.#sendStranger(this.#instance(fault.instance), fault);
      default:
        return this.#hurtRedis(fault);
    }
  }

  async #hurtClients(fault: ClientFault): Promise<boolean> {
    switch (fault.kind) {
      case "cut-clients":
        for (const client of fault.clients) this.cutConnections += this.#clientLine(client).cut();
        return true;
      case "silence-client":
        return this.#silence(this.#clientLine(fault.client), fault);
      case "slow-client":
        return this.#slow(this.#clientLine(fault.client), fault);
      case "return-client":
        return this.#parts.cast.comeBack(fault.client, this.#pause(fault.awayMs));
    }
  }

  async #hurtInstance(instance: Instance, fault: InstanceFault): Promise<boolean> {
    const { redisLine } = instance;
    switch (fault.kind) {
      case "kill-instance":
      case "stop-instance":
        return this.#replaceInstance(instance, fault);
      case "freeze-instance":
        return this.#freeze(instance, fault.forMs);
      case "step-instance-clock":
        await instance.clock?.set(instance.clock.offsetMs + fault.byMs);
        return instance.clock !== undefined;
      case "cut-redis-link":
        return redisLine !== undefined && redisLine.cut() > 0;
      case "silence-redis-link":
        return redisLine !== undefined && this.#silence(redisLine, fault);
      case "slow-redis-link":
        return redisLine !== undefined && this.#slow(redisLine, fault);
    }
  }

  async #sendStranger(instance: Instance, fault: StrangerFault): Promise<boolean> {
    const { rooms, ballast } = this.#parts;
    const url = `http://127.0.0.1:${instance.port}`;
    if (fault.kind === "forge-position") return forgePosition(url, rooms[fault.room] ?? "", fault.forgery);
    return readNothing(url, { room: ballast, pages: fault.pages, until: this.#pause(fault.forMs) });
  }

  /** The plan keeps Redis' faults apart, but on a busy machine a restart may take longer than planned. */
  #hurtRedis(fault: RedisFault): Promise<boolean> {
    const { redis, recorder } = this.#parts;
    const scene = { recorder, pause: (forMs: number) => this.#pause(forMs) };
    if (fault.kind === "kill-redis-connections") return redis.apply(fault, scene);
    const turn = this.#redisTurn.then(() => redis.apply(fault, scene));
    this.#redisTurn = turn.catch(() => undefined);
    return turn;
  }

  async #silence(line: Line, { forMs, end }: Extract<Fault, { kind: `silence-${string}` }>): Promise<true> {
    line.silence();
    await this.#pause(forMs);
    line.endSilence(end);
    return true;
  }

  async #slow(line: Line, { forMs, delayMs, splitBytes }: Extract<Fault, { kind: `slow-${string}` }>): Promise<true> {
    line.slow({ delayMs, splitBytes });
    await this.#pause(forMs);
    line.slow({ delayMs: 0, splitBytes: 0 });
    return true;
  }

  async #freeze(instance: Instance, forMs: number): Promise<boolean> {
    this.instanceEndsMs.push(performance.now());
    const frozen = instance.freeze();
    await this.#pause(forMs);
    instance.thaw();
    return frozen;
  }

  async #replaceInstance(instance: Instance, fault: Extract<Fault, { kind: "kill-instance" | "stop-instance" }>) {
    this.instanceEndsMs.push(performance.now());
    const isGone = fault.kind === "kill-instance" ? await instance.kill() : await instance.stop();
    if (!isGone) return false;
    await this.#pause(fault.downMs);
    await instance.start();
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
