import type { Logger } from "pino";
import { ErrorReply } from "redis";
import { RequestError } from "../errors.ts";
import type { ClientEvents, LinkRole, RedisClient } from "./client.ts";

export interface LinkOptions {
  readonly role: LinkRole;
  /** Makes a fresh, unconnected client; called again when a client no longer answers. */
  readonly createClient: (role: LinkRole, events: ClientEvents) => RedisClient;
  readonly logger: Logger;
}

/** How long a command may take before it counts as unanswered. */
const commandTimeoutMs = 2_000;
/** How long the probe of a doubtful link may take; what waits for it waits no longer. */
const probeTimeoutMs = 1_000;
/** How often an idle link is probed: a half-open one is found within this and the probe's own time. */
const probeIntervalMs = 2_000;
/** A probe that is due later than this was not merely late: the process had been frozen. */
const frozenAfterMs = 1_000;
/** How long a command waits for a link that was lost just now: most come back at once, as after a thaw. */
const graceMs = 1_000;
/** How long a client may try to connect before a fresh one takes its place: its handshake may hang for ever. */
const connectTimeoutMs = 8_000;
/** How long after a client gave up a fresh one takes its place, at least; at most twice as long. */
const reconnectDelayMs = 200;

/**
 * One connection to Redis that knows whether it can be trusted. Commands run under a time limit and fail at once while
 * the link is away. A link that stays silent, or that slept with a frozen process, is probed and, if it does not
 * answer, replaced by a fresh client: on a half-open TCP connection the kernel would wait for many minutes.
 */
export class RedisLink {
  /** Called after every connection, first or repeated, with the client that is now in use. */
  onUp: ((client: RedisClient) => void) | undefined;
  /** Called when the link was lost. */
  onDown: (() => void) | undefined;

  readonly #options: LinkOptions;
  #client: RedisClient;
  #state: "connecting" | "up" | "closed" = "connecting";
  #probe: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastTickMs = Date.now();
  #downSinceMs = Date.now();
  #clientSinceMs = Date.now();
  /** Called, once, when the link is up. */
  #waiting: (() => void)[] = [];
  #lastError: Error | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#client = this.#create();
  }

  /** True while commands can be expected to be answered. */
  get isUp(): boolean {
    return this.#state === "up";
  }

  /** Connects for the first time. Throws the reason when that does not succeed within the time limit. */
  async open(): Promise<void> {
    this.#timer = setInterval(() => this.#tick(), probeIntervalMs);
    this.#timer.unref();
    try {
      await withinTime(this.#client.connect(), connectTimeoutMs - probeIntervalMs);
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
    if (this.#state !== "up" || this.#probe !== undefined) await this.settled();
    if (this.#state !== "up") throw unreachable();
    try {
      return await withinTime(command(this.#client), commandTimeoutMs);
    } catch (error) {
      if (error instanceof Unanswered) this.#startProbe();
      throw this.#toRequestError(error);
    }
  }

  #toRequestError(error: unknown): unknown {
    if (!(error instanceof ErrorReply)) return unreachable(error);
    if (temporaryRefusal.test(error.message))
      return new RequestError("UNAVAILABLE", `the message store refused: ${error.message}`);
    return error;
  }

  /**
   * Resolves at once while the link is trusted or known to be away; else when a probe has found out, or when a link
   * that was lost just now is back or has used up its grace.
   */
  async settled(): Promise<void> {
    this.#noticeFreeze();
    await this.#probe;
    const leftMs = this.#downSinceMs + graceMs - Date.now();
    if (this.#state !== "connecting" || leftMs <= 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, leftMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearInterval(this.#timer);
    this.#client.destroy();
  }

  #create(): RedisClient {
    const client: RedisClient = this.#options.createClient(this.#options.role, {
      onReady: () => client === this.#client && this.#up(),
      onError: (error) => client === this.#client && this.#down(error),
    });
    return client;
  }

  #up(): void {
    if (this.#state === "closed") return;
    this.#state = "up";
    this.#options.logger.info({ role: this.#options.role }, "redis link up");
    this.onUp?.(this.#client);
    for (const resume of this.#waiting.splice(0)) resume();
  }

  #down(error: Error): void {
    this.#lastError = error;
    if (this.#state !== "up") return;
    this.#state = "connecting";
    this.#downSinceMs = Date.now();
    this.#clientSinceMs = Date.now();
    this.#options.logger.warn({ role: this.#options.role, err: error }, "redis link lost");
    this.onDown?.();
  }

  #tick(): void {
    this.#noticeFreeze();
    this.#lastTickMs = Date.now();
    if (this.#state === "up" && this.#probe === undefined) {
      withinTime(this.#client.ping(), probeTimeoutMs).catch(() => this.#startProbe());
    } else if (this.#state === "connecting" && Date.now() - this.#clientSinceMs > connectTimeoutMs) {
      void this.#replace(new Error("no connection within the time limit"));
    }
  }

  /** After a freeze Redis may have closed the link without this process having noticed: probe before trusting it. */
  #noticeFreeze(): void {
    const sleptMs = Date.now() - this.#lastTickMs - probeIntervalMs;
    if (this.#timer === undefined || sleptMs < frozenAfterMs) return;
    this.#lastTickMs = Date.now();
    this.#options.logger.info({ role: this.#options.role, sleptMs }, "process slept; probing the redis link");
    this.#startProbe();
  }

  #startProbe(): void {
    if (this.#state !== "up" || this.#probe !== undefined) return;
    this.#probe = this.#probeOnce().finally(() => {
      this.#probe = undefined;
    });
  }

  async #probeOnce(): Promise<void> {
    const client = this.#client;
    try {
      await withinTime(client.ping(), probeTimeoutMs);
    } catch (error) {
      if (client !== this.#client) return;
      await this.#replace(toError(error));
    }
  }

  /** Gives up on the client and starts a fresh one; resolves when that is connected or its first attempt has failed. */
  async #replace(reason: Error): Promise<void> {
    this.#down(reason);
    if (this.#state === "closed") return;
    const old = this.#client;
    this.#client = this.#create();
    this.#clientSinceMs = Date.now();
    old.destroy();
    await withinTime(this.#connect(), probeTimeoutMs).catch((error: unknown) => {
      this.#options.logger.debug({ role: this.#options.role, err: error }, "redis link still away");
    });
  }

  /** The client of a cluster gives up when no node answers; that of a single server goes on trying by itself. */
  async #connect(): Promise<void> {
    const client = this.#client;
    try {
      await client.connect();
    } catch (error) {
      const retry = () => {
        if (client === this.#client && this.#state === "connecting") void this.#replace(toError(error));
      };
      setTimeout(retry, reconnectDelayMs * (1 + Math.random())).unref();
      throw error;
    }
  }
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

class Unanswered extends Error {}

/** Rejects with Unanswered when the promise is not settled in time; a later rejection of it is nobody's concern. */
async function withinTime<Value>(promise: Promise<Value>, timeoutMs: number): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    // In a process that was busy the timer is due before the answer that came meanwhile has been read: read first.
    timer = setTimeout(() => setImmediate(() => reject(new Unanswered(`no answer within ${timeoutMs} ms`))), timeoutMs);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

/** Redis answered, but cannot serve now: full, read-only, loading, failing over. */
const temporaryRefusal = /^(OOM|READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|NOREPLICAS|MISCONF) /;

function unreachable(cause?: unknown): RequestError {
  const error = new RequestError("UNAVAILABLE", "the message store cannot be reached");
  if (cause !== undefined) error.cause = cause;
  return error;
}
