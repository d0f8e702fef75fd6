import type { Logger } from "pino";
import type { Lease } from "./lease.ts";
import type { PresenceListener } from "./listener.ts";
import type { PresenceStore, RoomHead } from "./presence-store.ts";
import type { RoomHolders } from "./room-holders.ts";

export interface RoomReapingOptions {
  readonly room: string;
  readonly store: Pick<PresenceStore, "reap">;
  readonly lease: Pick<Lease, "held">;
  readonly holders: Pick<RoomHolders, "settled">;
  readonly listener: PresenceListener;
  readonly onReaped: (instance: string, head: RoomHead) => void;
  readonly logger: Logger;
}

/** Two instances find the same death: the second one then finds nothing to do. */
const spreadMs = 500;

/** Removes the members of instances that are gone from one room. Two instances may do so at once. */
export class RoomReaping {
  readonly #options: RoomReapingOptions;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(options: RoomReapingOptions) {
    this.#options = options;
  }

  get isIdle(): boolean {
    return this.#underWay.size === 0;
  }

  /** Resolves when it is done, or cannot be done now. */
  reap(instance: string, when: "now" | "in a moment"): Promise<void> {
    const existing = this.#underWay.get(instance);
    if (existing !== undefined) return existing;
    const reaping = this.#reap(instance, when === "now" ? 0 : Math.random() * spreadMs).finally(() =>
      this.#underWay.delete(instance),
    );
    this.#underWay.set(instance, reaping);
    return reaping;
  }

  async #reap(instance: string, delayMs: number): Promise<void> {
    const { room, store, lease, holders, listener, onReaped, logger } = this.#options;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs).unref());
    try {
      // Who was added under a new name must be there first.
      await holders.settled();
      const { head, left } = await store.reap(room, (await lease.held()).name, instance);
      for (const { session, user } of left) listener.left(room, user, session, "lost", head.count);
      onReaped(instance, head);
    } catch (err) {
      logger.debug({ room, instance, err }, "the members of an instance that is gone could not be removed");
    }
  }
}
