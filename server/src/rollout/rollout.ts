import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { RolloutOrder } from "../broadcast/control-channel.ts";
import { RequestError } from "../errors.ts";
import { type Generation, retryAfterMs, rolloutMs, sendsOn } from "./generations.ts";
import type { Moves } from "./moves.ts";

/** Of more younger instances than this, some are not remembered: one of them is enough to send clients on. */
const rememberedInstances = 1_000;

/** An instance that has started is announced again and again, for those that were deaf for a moment. */
const announceEveryMs = 60_000;
/** A client can wait for so much of the time at least; the others a little longer, so that they do not come at once. */
const shortestWaitShare = 0.85;

/** An instance, and when it was heard of, in milliseconds of `performance.now()`. */
interface Heard extends Generation {
  readonly heardAtMs: number;
}

export interface RolloutParts {
  /** What is deployed here; empty where nothing names it. */
  readonly build: string;
  readonly moves: Pick<Moves, "begin" | "end" | "of" | "nowMs">;
  readonly tell: (order: RolloutOrder) => Promise<void>;
  readonly logger: Pick<Logger, "warn">;
}

/**
 * What this instance knows of a rollout: each instance tells the others that it has started, and that it goes away. While
 * none has started after this one, nothing is asked of Redis for a client that connects.
 */
export class Rollout {
  readonly #parts: RolloutParts;
  readonly #instance = randomUUID();
  /** Unknown until Redis has said what time it is: until then this instance is taken for one that lasts. */
  #own: Generation | undefined;
  readonly #younger = new Map<string, Heard>();
  readonly #createdAtMs = performance.now();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isLeaving = false;

  constructor(parts: RolloutParts) {
    this.#parts = parts;
  }

  /** Tells the others that this instance serves; again after they may have missed it. Never throws. */
  async announce(): Promise<void> {
    if (this.#isLeaving) return;
    const { build, moves, tell, logger } = this.#parts;
    clearTimeout(this.#timer);
    if (performance.now() - this.#createdAtMs < rolloutMs) {
      this.#timer = setTimeout(() => void this.announce(), announceEveryMs).unref();
    }
    try {
      this.#own ??= { build, startedAtMs: await moves.nowMs() };
      // Told after it has left, it would be taken for one that still serves.
      if (!this.#isLeaving) await tell({ serving: this.#instance, ...this.#own });
    } catch (err) {
      // It is announced when Redis is back; one that goes away closes its connections itself.
      if (!this.#isLeaving) logger.warn({ err }, "other instances were not told that this one serves");
    }
  }

  /** Tells the others that this instance goes away. Never throws. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    clearTimeout(this.#timer);
    // Where Redis is away they learn nothing, and clients wait a little for a place that is no more.
    await this.#parts.tell({ leaving: this.#instance }).catch(() => undefined);
  }

  /** Takes note of what an instance has told. */
  readonly hear = (order: RolloutOrder): void => {
    if ("leaving" in order) this.#younger.delete(order.leaving);
    else if (this.#own !== undefined && order.startedAtMs > this.#own.startedAtMs) {
      const { serving, build, startedAtMs } = order;
      this.#younger.set(serving, { build, startedAtMs, heardAtMs: performance.now() });
      if (this.#younger.size > rememberedInstances) this.#younger.delete(this.#younger.keys().next().value ?? "");
    }
  };

  /** Takes note that clients are asked to leave this instance, for others to know. Throws UNAVAILABLE. */
  async begin(sessions: readonly string[], mayWaitMs: number): Promise<void> {
    const own = this.#own;
    if (own === undefined || mayWaitMs <= 0) return;
    await Promise.all(
      sessions.map((session) => {
        const share = shortestWaitShare + Math.random() * (1 - shortestWaitShare);
        return this.#parts.moves.begin(session, own, Math.round(mayWaitMs * share));
      }),
    );
  }

  /** Takes note that a client that was asked to leave has done so, or was cut: it waits for nothing any more. Never throws. */
  async end(session: string): Promise<void> {
    if (this.#own !== undefined) await this.#parts.moves.end(session).catch(() => undefined);
  }

  /**
   * Throws DRAINING for a client that leaves another instance of the rollout, as long as it can wait for a place on one that
   * lasts. Where Redis gives no answer, the client may stay.
   */
  async admit(session: string): Promise<void> {
    const own = this.#own;
    this.#forgetEndedRollouts();
    if (own === undefined || this.#younger.size === 0) return;
    const found = await this.#parts.moves.of(session).catch(() => undefined);
    if (found === undefined) return;
    const { move, nowMs } = found;
    if (!sendsOn(own, [...this.#younger.values()], move, nowMs)) return;
    const retryMs = retryAfterMs(move.mayWaitUntilMs - nowMs, Math.random());
    throw new RequestError("DRAINING", "this instance will be replaced, too: another one lasts", retryMs);
  }

  #forgetEndedRollouts(): void {
    const endedMs = performance.now() - rolloutMs;
    for (const [instance, { heardAtMs }] of this.#younger) {
      if (heardAtMs < endedMs) this.#younger.delete(instance);
    }
  }
}
