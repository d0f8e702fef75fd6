import type { Logger } from "pino";
import type { Lease } from "./lease.ts";
import { isGone, type LeaseView, nextDeathMs } from "./lease-view.ts";
import type { RoomPresence } from "./room-presence.ts";

export interface ReaperOptions {
  readonly lease: Pick<Lease, "name" | "look" | "bury">;
  readonly rooms: () => Iterable<Pick<RoomPresence, "instances" | "reap">>;
  readonly logger: Logger;
}

/**
 * Finds the instances that are gone, and has their members removed from the rooms that concern this instance. It looks at
 * leases only: whenever they were read, and when the next one could have ended.
 */
export class Reaper {
  readonly #options: ReaperOptions;
  readonly #underWay = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(options: ReaperOptions) {
    this.#options = options;
  }

  /** The leases of all instances were read. */
  see(view: LeaseView): void {
    const { lease, rooms } = this.#options;
    const seen = new Set([...rooms()].flatMap(({ instances }) => [...instances]));
    seen.delete(lease.name);
    const gone = [...seen].filter((name) => !this.#underWay.has(name) && isGone(view, name));
    if (gone.length > 0) void this.#reap(gone);
    clearTimeout(this.#timer);
    const inMs = nextDeathMs(view, seen);
    if (inMs !== undefined && !this.#isStopped) this.#timer = setTimeout(() => void lease.look(), inMs).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  /** Removes them where Redis confirms that they are gone: what was seen may be old by now. */
  async #reap(names: readonly string[]): Promise<void> {
    const { lease, rooms, logger } = this.#options;
    for (const name of names) this.#underWay.add(name);
    try {
      const gone = await lease.bury(names);
      const reaped = [...rooms()].flatMap((room) =>
        gone.flatMap((name) => (room.instances.has(name) ? room.reap(name) : [])),
      );
      await Promise.all(reaped);
    } catch (err) {
      logger.debug({ err }, "instances that are gone cannot be looked up now");
    } finally {
      for (const name of names) this.#underWay.delete(name);
    }
  }
}
