import type { Logger } from "pino";
import { OverdueTick } from "../clock/overdue-tick.ts";
import { reconnectDelayMs, WrongServerBackoff } from "./backoff.ts";
import { type Finding, probe } from "./probe.ts";
import type { ClientEvents, ClientRole, RedisClient } from "./redis-client.ts";
import { isWrongServer, toError, toRequestError, unreachable } from "./refusals.ts";
import type { LinkState, UpState } from "./supervision.ts";
import { Unanswered, withinTime } from "./within-time.ts";

export interface SupervisedClientOptions {
  readonly role: ClientRole;
  /** Makes a fresh, unconnected client; called again when a client no longer answers. */
  readonly createClient: (role: ClientRole, events: ClientEvents) => RedisClient;
  readonly logger: Logger;
}

type Listener = () => void;

/** How long a command may take before it counts as unanswered. */
const commandTimeoutMs = 2_000;
/** How often an idle link is probed: a half-open one is found within this and the probe's own time. */
const probeIntervalMs = 2_000;
/** A tick that is later than this was not merely late: the process was frozen. */
const frozenAfterMs = 1_000;
/** How long a command waits for a link that was lost just now: most come back at once, as after a thaw. */
const graceMs = 1_000;
/** How long a client may try to connect before a fresh one takes its place: its handshake may hang for ever. */
const connectTimeoutMs = 8_000;

/**
 * One connection to Redis that knows whether it can be trusted. Commands run under a time limit and fail at once while
 * the link is away. A link that stays silent, or that slept with a frozen process, is probed and, if it does not
 * answer, replaced by a fresh client: on a half-open TCP connection the kernel would wait for many minutes. So is a
 * link whose server has become a replica, since a new connection resolves the server's name again.
 */
export class SupervisedClient {
  readonly #options: SupervisedClientOptions;
  readonly #listeners: Record<"up" | "lost" | "misplaced", Listener[]> = { up: [], lost: [], misplaced: [] };
  readonly #freezes = new OverdueTick(probeIntervalMs + frozenAfterMs);
  readonly #serverRests = new WrongServerBackoff();
  #state: LinkState = { is: "idle" };
  #timer: NodeJS.Timeout | undefined;
  #lostAtMs = performance.now();
  #lastError: Error | undefined;
  /** Called, once, when the link is up. */
  #waiting: Listener[] = [];

  constructor(options: SupervisedClientOptions) {
    this.#options = options;
  }

  /** True while commands can be expected to be answered. */
  get isUp(): boolean {
    return this.#state.is === "up";
  }

  /** Calls back after every connection, first or repeated. */
  onUp(listener: Listener): void {
    this.#listeners.up.push(listener);
  }

  /** Calls back when the link was lost. */
  onLost(listener: Listener): void {
    this.#listeners.lost.push(listener);
  }

  /** Calls back when the server turned out to be no master; once, until the link has been up again for some time. */
  onMisplaced(listener: Listener): void {
    this.#listeners.misplaced.push(listener);
  }

  /** Connects for the first time. Throws the reason when that does not succeed within the time limit. */
  async open(): Promise<void> {
    this.#freezes.tick();
    this.#timer = setInterval(() => this.#tick(), probeIntervalMs);
    this.#timer.unref();
    const up = new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await withinTime(Promise.all([this.#connect(), up]), connectTimeoutMs - probeIntervalMs);
    } catch (error) {
      this.close();
      throw this.#lastError ?? error;
    }
  }

  /**
   * Runs one command. Throws UNAVAILABLE at once while the link is away, and after the time limit when no answer came;
   * in the latter case the command may have been carried out.
   */
  async run<Reply>(command: (client: RedisClient) => Promise<Reply>): Promise<Reply> {
    this.#noticeFreeze();
    if (this.#state.is !== "up" || this.#state.doubt !== undefined) await this.settled();
    const state = this.#state;
    if (state.is !== "up") throw unreachable();
    try {
      return await withinTime(command(state.client), commandTimeoutMs);
    } catch (error) {
      if (error instanceof Unanswered) this.#startDoubt(state);
      if (isWrongServer(error) && !state.client.redirects) this.#act(state, { is: "misplaced", reason: error });
      throw toRequestError(error);
    }
  }

  /**
   * Resolves at once while the link is trusted or known to be away; else when a probe has found out, or when a link
   * that was lost just now is back or has used up its grace.
   */
  async settled(): Promise<void> {
    this.#noticeFreeze();
    if (this.#state.is === "up") await this.#state.doubt;
    const leftMs = this.#lostAtMs + graceMs - performance.now();
    if (this.#state.is === "up" || this.#state.is === "closed" || leftMs <= 0) return;
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
    if (this.#state.is === "up" || this.#state.is === "proving") this.#giveUp(reason, 0);
  }

  close(): void {
    const state = this.#state;
    this.#state = { is: "closed" };
    clearInterval(this.#timer);
    if (state.is === "resting") clearTimeout(state.timer);
    if ("client" in state) state.client.destroy();
  }

  /** Starts a fresh client. Throws when that has given up, after which another one is on its way. */
  async #connect(): Promise<void> {
    const { createClient, role, logger } = this.#options;
    const client: RedisClient = createClient(role, {
      onReady: () => this.#ready(client),
      onError: (error) => this.#failed(client, error),
    });
    this.#state = { is: "connecting", client, sinceMs: performance.now() };
    try {
      await client.connect();
    } catch (error) {
      logger.debug({ role, err: error }, "redis link still away");
      // The client of a cluster gives up when no node answers; that of a single server goes on trying by itself.
      if (this.#uses(client)) this.#giveUp(toError(error), reconnectDelayMs());
      throw error;
    }
  }

  #uses(client: RedisClient): boolean {
    return "client" in this.#state && this.#state.client === client;
  }

  #ready(client: RedisClient): void {
    if (!this.#uses(client)) return;
    // The client of a cluster is ready again whenever one of its nodes is.
    if (this.#state.is === "up") this.#announceUp();
    if (this.#state.is !== "connecting") return;
    const state: LinkState = { is: "proving", client, sinceMs: this.#state.sinceMs };
    this.#state = state;
    void probe(client).then((finding) => this.#act(state, finding));
  }

  /** The client lost its connection, or failed to get one; it goes on trying. */
  #failed(client: RedisClient, error: Error): void {
    if (!this.#uses(client)) return;
    this.#lastError = error;
    const state = this.#state;
    if (state.is === "proving") this.#state = { is: "connecting", client, sinceMs: state.sinceMs };
    if (state.is === "up") this.#lose(state, { is: "connecting", client, sinceMs: performance.now() }, error);
  }

  /** Does what follows from a finding, unless the link has moved on since the question. */
  #act(state: LinkState, finding: Finding): void {
    if (this.#state !== state || !(state.is === "proving" || state.is === "up")) return;
    if (finding.is === "misplaced") this.#leaveServer(state, finding.reason);
    else if (finding.is === "silent") this.#giveUp(finding.reason, state.is === "up" ? 0 : reconnectDelayMs());
    else if (state.is === "proving") this.#rise(state.client);
  }

  #rise(client: RedisClient): void {
    this.#state = { is: "up", client, sinceMs: performance.now(), doubt: undefined };
    this.#announceUp();
    for (const resume of this.#waiting.splice(0)) resume();
  }

  #announceUp(): void {
    this.#options.logger.info({ role: this.#options.role }, "redis link up");
    for (const listener of this.#listeners.up) listener();
  }

  #lose(state: UpState, next: LinkState, reason: Error): void {
    this.#state = next;
    this.#lostAtMs = performance.now();
    this.#serverRests.noteLoss(this.#lostAtMs - state.sinceMs);
    this.#options.logger.warn({ role: this.#options.role, err: reason }, "redis link lost");
    for (const listener of this.#listeners.lost) listener();
  }

  /** Gives the client up; a fresh one takes its place after a rest. */
  #giveUp(reason: Error, restMs: number): void {
    const state = this.#state;
    if (!("client" in state)) return;
    this.#lastError = reason;
    // A failed attempt is logged and followed by the next one, both by itself.
    const timer = setTimeout(() => void this.#connect().catch(() => undefined), restMs);
    timer.unref();
    const resting: LinkState = { is: "resting", timer };
    if (state.is === "up") this.#lose(state, resting, reason);
    else this.#state = resting;
    state.client.destroy();
  }

  #leaveServer(state: LinkState, reason: Error): void {
    if (state.is === "up") this.#serverRests.noteLoss(performance.now() - state.sinceMs);
    const { isFirst } = this.#serverRests;
    this.#giveUp(reason, this.#serverRests.nextMs());
    if (!isFirst) return;
    this.#options.logger.warn({ role: this.#options.role, err: reason }, "the redis server is no master");
    for (const listener of this.#listeners.misplaced) listener();
  }

  #tick(): void {
    this.#noticeFreeze();
    this.#freezes.tick();
    const state = this.#state;
    if (state.is === "up" && state.doubt === undefined) {
      // The first silence may be a pause: commands wait for a second probe, and only that one ends the link.
      void probe(state.client).then((finding) =>
        finding.is === "silent" ? this.#startDoubt(state) : this.#act(state, finding),
      );
    } else if ("client" in state && state.is !== "up" && performance.now() - state.sinceMs > connectTimeoutMs) {
      this.#giveUp(new Error("no connection within the time limit"), 0);
    }
  }

  /** After a freeze Redis may have closed the link without this process having noticed: probe before trusting it. */
  #noticeFreeze(): void {
    const sinceTickMs = this.#timer === undefined ? undefined : this.#freezes.overdueMs();
    if (sinceTickMs === undefined) return;
    const sleptMs = sinceTickMs - probeIntervalMs;
    this.#options.logger.info({ role: this.#options.role, sleptMs }, "process slept; probing the redis link");
    if (this.#state.is === "up") this.#startDoubt(this.#state);
  }

  #startDoubt(state: UpState): void {
    if (this.#state !== state || state.doubt !== undefined) return;
    state.doubt = probe(state.client).then((finding) => {
      state.doubt = undefined;
      this.#act(state, finding);
    });
  }
}
