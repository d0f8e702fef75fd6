import { setTimeout as setTimeoutPromise } from "node:timers/promises";
import { comparePositions, type Position } from "@holdfast/client/protocol";
import type { Logger } from "pino";
import type { RoomLog } from "../log/room-log.ts";
import type { SeenPositions } from "../log/seen-positions.ts";

export interface RoomPositionsOptions {
  readonly log: RoomLog;
  readonly seen: SeenPositions;
  readonly logger: Logger;
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
 * Keeps this instance's members level with the log. A periodic check finds a broadcast that was lost on the way here,
 * and renews the expiry of logs that have members; after Redis was away, every local room is told its position.
 */
export class RoomPositions {
  readonly #options: RoomPositionsOptions;
  readonly #timer: NodeJS.Timeout;
  readonly #periodMs: number;
  #roundStartedMs = Number.NEGATIVE_INFINITY;
  #due: string[] = [];
  #perTick = 0;
  readonly #untold = new Set<string>();
  #announcing = false;

  constructor(options: RoomPositionsOptions) {
    this.#options = options;
    this.#periodMs = Math.min(checkPeriodMs, (options.historyTtlSeconds * 1000) / 3);
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /**
   * Tells every local room its position, whether it moved or not: subscriptions were down for an unknown time. Rooms
   * that cannot be asked about yet, since commands may be away for longer than subscriptions, are tried again.
   */
  announceAll(): void {
    for (const room of this.#options.localRooms()) this.#untold.add(room);
    void this.#announce();
  }

  async #announce(): Promise<void> {
    if (this.#announcing) return;
    this.#announcing = true;
    const local = new Set(this.#options.localRooms());
    const rooms = [...this.#untold].values();
    const worker = async () => {
      for (const room of rooms) {
        // Taken out first, so that a room that is added again meanwhile is told again.
        this.#untold.delete(room);
        if (local.has(room) && !(await this.#announceOne(room))) this.#untold.add(room);
      }
    };
    await Promise.all(Array.from({ length: parallelChecks }, worker));
    this.#announcing = false;
  }

  /** Resolves to whether the log could be asked. */
  async #announceOne(room: string): Promise<boolean> {
    const position = await this.#ask(room);
    if (position !== undefined) this.#tell(room, position);
    return position !== undefined;
  }

  /** Checks some rooms, so that a round of all of them is spread evenly over the period. */
  #tick(): void {
    if (this.#untold.size > 0) void this.#announce();
    if (this.#due.length === 0 && performance.now() - this.#roundStartedMs >= this.#periodMs) {
      this.#roundStartedMs = performance.now();
      this.#due = [...this.#options.localRooms()];
      this.#perTick = Math.ceil((this.#due.length * tickMs) / this.#periodMs);
    }
    for (const room of this.#due.splice(0, this.#perTick)) void this.#check(room);
  }

  /** Tells a room's members what they cannot know: that the log is behind what they have, or a broadcast was lost. */
  async #check(room: string): Promise<void> {
    const { seen } = this.#options;
    const before = seen.get(room);
    const position = await this.#ask(room);
    if (position === undefined || before === undefined) return;
    if (comparePositions(position, before) < 0) {
      this.#tell(room, position);
      return;
    }
    await setTimeoutPromise(broadcastGraceMs, undefined, { ref: false });
    const now = seen.get(room);
    if (now !== undefined && comparePositions(position, now) > 0) this.#tell(room, position);
  }

  #tell(room: string, position: Position): void {
    const { seen, tellMembers } = this.#options;
    // Of a room whose last member has left meanwhile, nothing is kept.
    if (seen.get(room) !== undefined) seen.note(room, position);
    tellMembers(room, position);
  }

  /** The log's newest position; undefined where it could not be asked. */
  async #ask(room: string): Promise<Position | undefined> {
    try {
      return await this.#options.log.checkPosition(room);
    } catch (error) {
      this.#options.logger.debug({ room, err: error }, "position check failed");
      return undefined;
    }
  }
}
