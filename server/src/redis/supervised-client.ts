import type { Logger } from "pino";
import { OverdueTick } from "../clock/overdue-tick.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { misplacedDelayMs, reconnectDelayMs } from "./backoff.ts";
import { probe } from "./probe.ts";
import type { ClientEvents, ClientRole, RedisClient } from "./redis-client.ts";
import { failureOf, isWrongServer, toError, toRequestError, unreachable } from "./refusals.ts";
import {
  connectTimeoutMs,
  type Delay,
  type Effect,
  type Supervision,
  type SupervisionEvent,
  transition,
  unopened,
} from "./supervision.ts";
import { TimeLimit } from "./time-limit.ts";
import { Unanswered, withinTime } from "./within-time.ts";

export interface SupervisedClientOptions {
  readonly role: ClientRole;
  /** Makes a fresh, unconnected client; called again when a client no longer answers. */
  readonly createClient: (role: ClientRole, events: ClientEvents) => RedisClient;
  readonly logger: Logger;
  readonly telemetry?: LinkTelemetry | undefined;
}

export type LinkTelemetry = Pick<
  Telemetry,
  "linkUp" | "linkLost" | "hearsCommands" | "commandAnswered" | "commandFailed"
>;

type Listener = () => void;

/** How long a command may take before it is given up as unanswered. */
const commandTimeoutMs = 2_000;
/** How often an idle connection is probed: a half-open one is found within this and the probe's own time. */
const probeIntervalMs = 2_000;
/** A tick that is later than this was not merely late: the process was frozen. */
const frozenAfterMs = 1_000;
/** How long a command waits for a connection that was lost just now: most come back at once, as after a thaw. */
const graceMs = 1_000;

/**
 * One connection to Redis that knows whether it can be trusted. Commands run under a time limit and fail at once while
 * it is away. A connection that stays silent, or that slept with a frozen process, is probed and, if it does not answer,
 * replaced by a fresh client: on a half-open TCP connection the kernel would wait for many minutes. So is one whose
 * server has become a replica, since a new connection resolves the server's name again.
 *
 * supervision.ts decides; this class acts.
 */
export class SupervisedClient {
  readonly #options: SupervisedClientOptions;
  readonly #listeners: Record<"up" | "lost" | "misplaced", Listener[]> = { up: [], lost: [], misplaced: [] };
  readonly #ticks = new OverdueTick(probeIntervalMs + frozenAfterMs);
  readonly #limit = new TimeLimit(commandTimeoutMs);
  #supervision: Supervision<RedisClient> = unopened(performance.now());
  /** A probe that finds out whether the connection still lives; commands wait for it. It concerns one turn alone. */
  #doubt: { readonly turn: number; readonly over: Promise<void> } | undefined;
  #ticking: NodeJS.Timeout | undefined;
  #rest: NodeJS.Timeout | undefined;
  /** Called, once, when the connection is up. */
  #waiting: Listener[] = [];

  constructor(options: SupervisedClientOptions) {
    this.#options = options;
  }

  /** True while commands can be expected to be answered. */
  get isUp(): boolean {
    return this.#supervision.state.is === "up";
  }

  /** Calls back after every connection, first or repeated. */
  onUp(listener: Listener): void {
    this.#listeners.up.push(listener);
  }

  /** Calls back when the connection was lost. */
  onLost(listener: Listener): void {
    this.#listeners.lost.push(listener);
  }

  /** Calls back when the server turned out to be no master; once, until the connection has been up for some time. */
  onMisplaced(listener: Listener): void {
    this.#listeners.misplaced.push(listener);
  }

  /** Connects for the first time. Throws the reason when that does not succeed within the time limit. */
  async open(): Promise<void> {
    this.#ticks.tick();
    this.#ticking = setInterval(() => this.#tick(), probeIntervalMs);
    this.#ticking.unref();
    const up = new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await withinTime(Promise.all([this.#connect(), up]), connectTimeoutMs - probeIntervalMs);
    } catch (error) {
      this.close();
      throw this.#supervision.lastError ?? error;
    }
  }

  /**
   * Runs one command. Throws UNAVAILABLE at once while the connection is away, and after the time limit when no answer
   * came; in the latter case the command may have been carried out.
   */
  async run<Reply>(command: (client: RedisClient) => Promise<Reply>): Promise<Reply> {
    this.#noticeFreeze();
    if (!this.isUp || this.#currentDoubt !== undefined) await this.settled();
    const { state, turn } = this.#supervision;
    const { role, telemetry } = this.#options;
    if (state.is !== "up") {
      telemetry?.commandFailed(role, "away");
      throw unreachable();
    }
    const startedMs = telemetry?.hearsCommands === true ? performance.now() : undefined;
    try {
      const reply = await this.#limit.on(command(state.client));
      if (startedMs !== undefined) telemetry?.commandAnswered(role, performance.now() - startedMs);
      return reply;
    } catch (error) {
      telemetry?.commandFailed(role, failureOf(error));
      if (error instanceof Unanswered) this.#startDoubt(turn);
      if (isWrongServer(error) && !state.client.redirects) {
        this.#on({ type: "found", turn, finding: { is: "misplaced", reason: error } });
      }
      throw toRequestError(error);
    }
  }

  /**
   * Resolves at once while the connection is trusted or known to be away; else when a probe has found out, or when one
   * that was lost just now is back or has used up its grace.
   */
  async settled(): Promise<void> {
    this.#noticeFreeze();
    if (this.isUp) await this.#currentDoubt;
    const { state, lostAtMs } = this.#supervision;
    const leftMs = lostAtMs + graceMs - performance.now();
    if (state.is === "up" || state.is === "closed" || leftMs <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, leftMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Gives the connection up for a fresh one, which resolves the server's name again. */
  leave(reason: Error): void {
    this.#on({ type: "left", reason });
  }

  close(): void {
    clearInterval(this.#ticking);
    clearTimeout(this.#rest);
    this.#on({ type: "closed" });
  }

  /** Starts a fresh client. Throws when that has given up, after which another one is on its way. */
  async #connect(): Promise<void> {
    const { createClient, role, logger } = this.#options;
    const client: RedisClient = createClient(role, {
      onReady: () => this.#on({ type: "ready", client }),
      onError: (reason) => this.#on({ type: "failed", client, reason }),
    });
    this.#on({ type: "started", client });
    try {
      await client.connect();
    } catch (error) {
      logger.debug({ role, err: error }, "redis link still away");
      // The client of a cluster gives up when no node answers; that of a single server goes on trying by itself.
      this.#on({ type: "gave up", client, reason: toError(error) });
      throw error;
    }
  }

  #on(event: SupervisionEvent<RedisClient>): void {
    const { next, effects } = transition(this.#supervision, event, performance.now());
    this.#supervision = next;
    for (const effect of effects) this.#carryOut(effect);
  }

  #carryOut(effect: Effect<RedisClient>): void {
    const { role, logger, telemetry } = this.#options;
    switch (effect.do) {
      case "probe":
        void probe(effect.client).then((finding) => this.#on({ type: "found", turn: effect.turn, finding }));
        break;
      case "announce up":
        logger.info({ role }, "redis link up");
        telemetry?.linkUp(role);
        tellAll(this.#listeners.up);
        break;
      case "announce loss":
        logger.warn({ role, err: effect.reason }, "redis link lost");
        telemetry?.linkLost(role, effect.reason);
        tellAll(this.#listeners.lost);
        break;
      case "announce misplaced":
        logger.warn({ role, err: effect.reason }, "the redis server is no master");
        tellAll(this.#listeners.misplaced);
        break;
      case "resume":
        tellAll(this.#waiting.splice(0));
        break;
      case "destroy":
        effect.client.destroy();
        break;
      case "rest":
        // A failed attempt is logged and followed by the next one, both by itself.
        this.#rest = setTimeout(() => void this.#connect().catch(() => undefined), inMs(effect.delay));
        this.#rest.unref();
    }
  }

  #tick(): void {
    this.#noticeFreeze();
    this.#ticks.tick();
    const { state, turn } = this.#supervision;
    if (state.is !== "up") this.#on({ type: "tick" });
    else if (this.#currentDoubt === undefined) {
      // The first silence may be a pause: commands wait for a second probe, and only that one ends the connection.
      void probe(state.client).then((finding) =>
        finding.is === "silent" ? this.#startDoubt(turn) : this.#on({ type: "found", turn, finding }),
      );
    }
  }

  /** After a freeze Redis may have ended the connection without this process having noticed: probe before trusting it. */
  #noticeFreeze(): void {
    const sinceTickMs = this.#ticking === undefined ? undefined : this.#ticks.overdueMs();
    if (sinceTickMs === undefined) return;
    const sleptMs = sinceTickMs - probeIntervalMs;
    this.#options.logger.info({ role: this.#options.role, sleptMs }, "process slept; probing the redis link");
    this.#startDoubt(this.#supervision.turn);
  }

  get #currentDoubt(): Promise<void> | undefined {
    return this.#doubt?.turn === this.#supervision.turn ? this.#doubt.over : undefined;
  }

  /** Probes a connection that was trusted in this turn, unless it is no longer or that is done already. */
  #startDoubt(turn: number): void {
    const { state } = this.#supervision;
    if (state.is !== "up" || turn !== this.#supervision.turn || this.#currentDoubt !== undefined) return;
    const over = probe(state.client).then((finding) => {
      if (this.#doubt?.turn === turn) this.#doubt = undefined;
      this.#on({ type: "found", turn, finding });
    });
    this.#doubt = { turn, over };
  }
}

function tellAll(listeners: readonly Listener[]): void {
  for (const listener of listeners) listener();
}

function inMs(delay: Delay): number {
  if (delay === "none") return 0;
  return delay === "reconnect" ? reconnectDelayMs() : misplacedDelayMs(delay.misplacedBefore);
}
