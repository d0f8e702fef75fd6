import { randomBytes } from "node:crypto";
import type { Logger } from "pino";
import { RequestError } from "../errors.ts";
import type { LeaseStore } from "./lease-store.ts";
import { isGone, type LeaseView } from "./lease-view.ts";

export interface LeaseOptions {
  readonly store: Pick<LeaseStore, "renew" | "bury">;
  readonly leaseMs: number;
  readonly logger: Logger;
  /**
   * The instance has another name. Until this returns nothing is written under the new one.
   *
   * @param hasLapsed - others may have removed what the old name had; otherwise it is only in doubt
   */
  readonly onRenamed: (earlier: string, hasLapsed: boolean) => void;
  /** The leases of all instances were read. */
  readonly onSeen: (view: LeaseView) => void;
}

export interface HeldLease {
  readonly name: string;
  /** End of the lease in Redis' milliseconds. What comes later is refused. */
  readonly untilMs: number;
}

/** After a failure the next attempt comes this much later. */
const retryMs = 500;
/** How long a request waits for a lease that is being taken. */
const longestWaitMs = 2_000;

/**
 * The lease of this instance: its sign of life for all its members together. It begins when it is asked for first. A lease
 * that lapsed is never renewed: the instance takes a new name, registers who is there under it, and only then are those of
 * the old name removed. The same is done where it is in doubt what Redis holds under the name.
 */
export class Lease {
  readonly #options: LeaseOptions;
  #held: HeldLease | undefined;
  #view: LeaseView | undefined;
  #taking: Promise<void> | undefined;
  #renewing: Promise<void> | undefined;
  #following: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isEnding = false;

  constructor(options: LeaseOptions) {
    this.#options = options;
  }

  /** The name under which this instance has members now; "" before it had any. */
  get name(): string {
    return this.#held?.name ?? "";
  }

  get view(): LeaseView | undefined {
    return this.#view;
  }

  /** Takes a lease where there is none. Throws UNAVAILABLE where it cannot be had now. */
  async held(): Promise<HeldLease> {
    if (this.#held === undefined) this.#take(false);
    if (this.#taking !== undefined) await this.#waitFor(this.#taking);
    if (this.#held === undefined) throw new RequestError("UNAVAILABLE", "this instance has no lease for members now");
    return this.#held;
  }

  /** Takes a new name: the lease of the old one has lapsed, or it is not known what Redis holds under the old one. */
  giveUp(name: string, hasLapsed: boolean): void {
    if (name === this.#held?.name) this.#take(hasLapsed);
  }

  /** Reads the leases of all instances, by renewing this one. The answer is not older than this call. Never throws. */
  async look(): Promise<void> {
    if (this.#renewing === undefined) return this.#begin();
    // The renewal under way may have read the leases before the caller's reason to ask: it needs the one after it.
    this.#following ??= this.#renewing.then(() => {
      this.#following = undefined;
      return this.#begin();
    });
    await this.#following;
  }

  /**
   * Which of these instances are gone for good: Redis has given up their leases, so that none of them can be renewed any
   * more. Throws UNAVAILABLE.
   */
  async bury(names: Iterable<string>): Promise<readonly string[]> {
    const others = [...new Set(names)].filter((name) => name !== this.name);
    const view = this.#view;
    const gone = view === undefined ? [] : others.filter((name) => isGone(view, name));
    return gone.length === 0 ? [] : this.#options.store.bury(gone);
  }

  /** Ends with the instance: clients have `graceMs` to come back through other instances. Never throws. */
  async end(hasMembers: boolean, graceMs: number): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#timer);
    await this.#renewing;
    const { store, logger } = this.#options;
    if (this.#held === undefined) return;
    const kind = hasMembers ? "last" : "drop";
    await store.renew(this.#held.name, graceMs, kind).catch((err: unknown) => {
      logger.debug({ err }, "the lease could not be ended; it ends by itself");
    });
  }

  #take(hasLapsed: boolean): void {
    if (this.#isEnding) return;
    this.#taking ??= this.#takeName(hasLapsed).finally(() => {
      this.#taking = undefined;
    });
  }

  async #takeName(hasLapsed: boolean): Promise<void> {
    const { store, leaseMs, onRenamed } = this.#options;
    const earlier = this.#held?.name;
    const name = randomBytes(4).toString("base64url");
    for (;;) {
      try {
        const view = await store.renew(name, leaseMs, "new");
        if (view === "lapsed") throw new Error("expected a new name to be taken");
        this.#held = { name, untilMs: view.ownEndMs };
        if (earlier !== undefined) onRenamed(earlier, hasLapsed);
        this.#see(view);
        this.#schedule(leaseMs / 3);
        return;
      } catch (err) {
        this.#options.logger.debug({ err }, "a lease could not be taken");
        await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
        if (this.#isEnding) return;
      }
    }
  }

  #begin(): Promise<void> {
    if (this.#held === undefined || this.#taking !== undefined || this.#isEnding) return Promise.resolve();
    this.#renewing = this.#renew().finally(() => {
      this.#renewing = undefined;
    });
    return this.#renewing;
  }

  async #renew(): Promise<void> {
    const { store, leaseMs, logger } = this.#options;
    const name = this.name;
    try {
      const view = await store.renew(name, leaseMs, "held");
      if (view === "lapsed") {
        logger.warn({ name }, "the lease of this instance has lapsed; its members are registered anew");
        this.giveUp(name, true);
        return;
      }
      if (name === this.name) this.#held = { name, untilMs: view.ownEndMs };
      this.#see(view);
      this.#schedule(leaseMs / 3);
    } catch (err) {
      logger.debug({ err }, "the lease could not be renewed");
      this.#schedule(retryMs);
    }
  }

  #see(view: LeaseView): void {
    this.#view = view;
    this.#options.onSeen(view);
  }

  #schedule(delayMs: number): void {
    clearTimeout(this.#timer);
    if (this.#isEnding) return;
    this.#timer = setTimeout(() => void this.look(), delayMs).unref();
  }

  async #waitFor(taking: Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new RequestError("UNAVAILABLE", "this instance has no lease for members now");
      timer = setTimeout(() => reject(error), longestWaitMs);
    });
    try {
      await Promise.race([taking, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}
