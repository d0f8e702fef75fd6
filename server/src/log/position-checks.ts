import { setTimeout as setTimeoutPromise } from "node:timers/promises";
import type { Position } from "@holdfast/client/protocol";
import type { Logger } from "pino";
import { type ChainLink, chainLinkOf } from "../broadcast/frame.ts";
import type { CheckRider } from "./check-script.ts";
import type { KnownPositions } from "./known-positions.ts";
import type { RoomLog } from "./room-log.ts";

export interface PositionChecksOptions {
  readonly log: Pick<RoomLog, "check">;
  readonly known: KnownPositions;
  /** What else is asked about a room with members here, in the call that checks its log. */
  readonly riderOf?: (room: string) => CheckRider | undefined;
  readonly logger: Logger;
  /** Is told of every broadcast of a log that has come. */
  readonly onBroadcast?: (room: string, link: ChainLink) => void;
  /** Subscribes to the room's channel again. Throws UNAVAILABLE. */
  readonly resubscribe: (room: string) => Promise<void>;
  /** Rooms that have members on this instance. */
  readonly localRooms: () => readonly string[];
  /** A log with members must be checked, and so kept, well before it expires. */
  readonly historyTtlSeconds: number;
  /** Tells the room's members on this instance. */
  readonly tellMembers: (room: string, position: Position) => void;
}

/** Rooms whose position is asked for at the same time after an outage. */
const parallelChecks = 32;
/** How often every room with local members is checked, and so how long a lost last message can stay unnoticed. */
const checkPeriodMs = 15_000;
const tickMs = 500;
/** How long a broadcast may take longer than the answer to a check: only what is missing then was lost. */
const broadcastGraceMs = 500;

/**
 * Finds broadcasts and messages that were lost. A periodic check of each room with members notices a broadcast that did
 * not arrive here, shows the log what this instance knows, and renews the log's expiry. Rooms without members that were
 * published to from here are checked for a while after the last publish. After an outage of Redis the members of every
 * room are notified of its position, and every room of which this instance knows anything is checked.
 */
export class PositionChecks {
  readonly #options: PositionChecksOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #periodMs: number;
  #roundStartedMs = Number.NEGATIVE_INFINITY;
  #due: string[] = [];
  #perTick = 0;
  /** Rooms to check as soon as Redis answers. The members of those in `#untold` get the position in any case. */
  readonly #urgent = new Set<string>();
  readonly #untold = new Set<string>();
  /** Rooms whose last check found that a broadcast was lost. */
  readonly #missing = new Set<string>();
  #isChecking = false;

  constructor(options: PositionChecksOptions) {
    this.#options = options;
    this.#periodMs = Math.min(checkPeriodMs, (options.historyTtlSeconds * 1000) / 3);
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** A broadcast to a room has come. Where it does not continue what this instance knows, the room is checked now. */
  receive(room: string, frame: Buffer): void {
    const link = chainLinkOf(frame);
    if (link === undefined) return;
    this.#options.onBroadcast?.(room, link);
    if (this.#options.known.receive(room, link)) return;
    this.#urgent.add(room);
    void this.#checkUrgent();
  }

  /**
   * Tells every local room its position, whether it moved or not: subscriptions were down for an unknown time. Rooms
   * that cannot be asked about yet, since commands may be away for longer than subscriptions, are tried again.
   */
  announceAll(): void {
    const { localRooms, known } = this.#options;
    for (const room of localRooms()) this.#untold.add(room);
    for (const room of [...this.#untold, ...known.rooms()]) this.#urgent.add(room);
    void this.#checkUrgent();
  }

  async #checkUrgent(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const failed: string[] = [];
    const worker = async () => {
      for (const room of this.#urgent) {
        // Taken out first, so that a room that is added again meanwhile is checked again.
        this.#urgent.delete(room);
        const isUntold = this.#untold.delete(room);
        const head = await this.#ask(room);
        if (head === undefined) {
          failed.push(room);
          if (isUntold) this.#untold.add(room);
        } else if (isUntold) this.#tell(room, head);
      }
    };
    await Promise.all(Array.from({ length: parallelChecks }, worker));
    for (const room of failed) this.#urgent.add(room);
    this.#isChecking = false;
  }

  /** Checks some rooms, so that a round of all of them is spread evenly over the period. */
  #tick(): void {
    if (this.#urgent.size > 0) void this.#checkUrgent();
    if (this.#due.length === 0 && performance.now() - this.#roundStartedMs >= this.#periodMs) {
      this.#roundStartedMs = performance.now();
      const { localRooms, known } = this.#options;
      this.#due = [...new Set([...localRooms(), ...known.rooms(2 * this.#periodMs)])];
      this.#perTick = Math.ceil((this.#due.length * tickMs) / this.#periodMs);
    }
    for (const room of this.#due.splice(0, this.#perTick)) void this.#check(room);
  }

  /** Tells a room's members what they cannot know: that a broadcast was lost on the way here. */
  async #check(room: string): Promise<void> {
    const { known } = this.#options;
    const before = known.delivered(room);
    const head = await this.#ask(room);
    if (head === undefined || before === undefined || head === before) {
      this.#missing.delete(room);
      return;
    }
    await setTimeoutPromise(broadcastGraceMs, undefined, { ref: false });
    // Where a broadcast came meanwhile, it shows the members what is missing before it.
    if (known.delivered(room) !== before) return;
    await this.#mendSubscription(room);
    this.#tell(room, head);
  }

  /** A broadcast that is lost now and then is the network's fault; one after the other, the subscription is gone. */
  async #mendSubscription(room: string): Promise<void> {
    const { resubscribe, logger } = this.#options;
    if (!this.#missing.delete(room)) {
      this.#missing.add(room);
      return;
    }
    logger.warn({ room }, "broadcasts do not arrive; subscribing again");
    await resubscribe(room).catch((error: unknown) => logger.debug({ room, err: error }, "subscribing again failed"));
  }

  #tell(room: string, head: Position): void {
    const { known, tellMembers } = this.#options;
    known.catchUp(room, head);
    tellMembers(room, head);
  }

  /** The log's newest position; undefined where it could not be asked. */
  async #ask(room: string): Promise<Position | undefined> {
    try {
      return await this.#options.log.check(room, this.#options.riderOf?.(room));
    } catch (error) {
      this.#options.logger.debug({ room, err: error }, "position check failed");
      return undefined;
    }
  }
}
