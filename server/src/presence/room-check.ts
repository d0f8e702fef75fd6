import type { Logger } from "pino";
import type { CheckRider } from "../log/check-script.ts";
import type { Lease } from "./lease.ts";
import type { Checked, PresenceStore, RoomHead } from "./presence-store.ts";
import type { RoomHolders } from "./room-holders.ts";
import type { RoomWatch } from "./room-watch.ts";

export interface RoomCheckOptions {
  readonly room: string;
  readonly store: Pick<PresenceStore, "check" | "checkRider">;
  readonly lease: Pick<Lease, "held" | "giveUp" | "name">;
  readonly holders: Pick<RoomHolders, "size" | "isIdle">;
  readonly watch: () => RoomWatch;
  readonly onChecked: (checked: Checked) => void;
  /** Subscribes to the room's channel again, because frames were lost. */
  readonly resubscribe: () => Promise<void>;
  readonly logger: Logger;
}

/** How long the frame of a leave through another instance may be on its way. */
const newsMs = 1_000;
/** How long the frame of a change may take longer than its answer. */
const frameGraceMs = 500;

/** Compares what Redis holds of a room with what this instance has there, and with what it shows. */
export class RoomCheck {
  readonly #options: RoomCheckOptions;
  #checkedAtMs = performance.now();
  #differsSinceMs: number | undefined;
  #missed = 0;

  constructor(options: RoomCheckOptions) {
    this.#options = options;
  }

  /** How long ago the last comparison was. */
  get agoMs(): number {
    return performance.now() - this.#checkedAtMs;
  }

  /** Throws UNAVAILABLE. */
  async run(): Promise<void> {
    const { store, lease, room } = this.#options;
    const { name } = await lease.held();
    const compare = this.#begin(name);
    await compare(await store.check(room, name));
  }

  /** The same question, for the call that checks the room's log; undefined as long as this instance has no name. */
  rider(): CheckRider | undefined {
    const { store, lease, room } = this.#options;
    if (lease.name === "") return undefined;
    const compare = this.#begin(lease.name);
    return store.checkRider(room, lease.name, (checked) => void compare(checked));
  }

  #begin(name: string): (checked: Checked) => Promise<void> {
    const { lease, holders, onChecked } = this.#options;
    const wasIdle = holders.isIdle;
    return (checked) => {
      this.#checkedAtMs = performance.now();
      onChecked(checked);
      // A write that was under way may be in the answer or not.
      if (wasIdle && holders.isIdle && name === lease.name) this.#compareHolders(checked.holders.get(name) ?? 0);
      else this.#differsSinceMs = undefined;
      return this.#compareWatch(checked.head);
    };
  }

  #compareHolders(own: number): void {
    const { room, lease, holders, logger } = this.#options;
    const nowMs = performance.now();
    if (own === holders.size) this.#differsSinceMs = undefined;
    else this.#differsSinceMs ??= nowMs;
    // At first it may be a leave through another instance of which the news is still on its way.
    if (this.#differsSinceMs === undefined || nowMs - this.#differsSinceMs < newsMs) return;
    this.#differsSinceMs = undefined;
    logger.warn({ room, own, expected: holders.size }, "Redis holds other members than this instance has");
    lease.giveUp(lease.name, false);
  }

  async #compareWatch(head: RoomHead): Promise<void> {
    const watch = this.#options.watch();
    if (watch.watchers.size === 0) return;
    await new Promise((resolve) => setTimeout(resolve, frameGraceMs).unref());
    const version = watch.copy?.version;
    if (version === undefined || (version.epoch === head.version.epoch && version.n >= head.version.n)) {
      this.#missed = 0;
      return;
    }
    watch.compare(head);
    this.#missed += 1;
    // A single frame may be lost on the network. Where one after the other is missing, the subscription is gone.
    if (this.#missed > 1 && head.mode === "members") await this.#options.resubscribe().catch(() => undefined);
  }
}
