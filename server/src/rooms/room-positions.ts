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
  /** Called before each round of checks. */
  readonly beforeRound: () => void;
  /** Tells the room's members on this instance. */
  readonly tellMembers: (room: string, position: Position) => void;
}

/** Rooms whose position is asked for at the same time after an outage. */
const parallelChecks = 32;
/** How often every room with local members is checked, and so how long a lost last message can stay unnoticed. */
const checkPeriodMs = 15_000;
const tickMs = 500;

/**
 * Keeps this instance's members level with the log. A periodic check finds a broadcast that was lost on the way here,
 * and renews the expiry of logs that have members; after Redis was away, every local room is told its position.
 */
export class RoomPositions {
  readonly #options: RoomPositionsOptions;
  readonly #timer: NodeJS.Timeout;
  #due: string[] = [];
  #perTick = 0;
  readonly #untold = new Set<string>();
  #announcing = false;

  constructor(options: RoomPositionsOptions) {
    this.#options = options;
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
    const rooms = [...this.#untold].values();
    const worker = async () => {
      for (const room of rooms) {
        // Taken out first, so that a room that is added again meanwhile is told again.
        this.#untold.delete(room);
        if (!(await this.#check(room, "always"))) this.#untold.add(room);
      }
    };
    await Promise.all(Array.from({ length: parallelChecks }, worker));
    this.#announcing = false;
  }

  /** Checks some rooms, so that a round of all of them is spread evenly over the period. */
  #tick(): void {
    if (this.#untold.size > 0) void this.#announce();
    if (this.#due.length === 0) {
      this.#options.beforeRound();
      this.#due = [...this.#options.localRooms()];
      this.#perTick = Math.ceil((this.#due.length * tickMs) / checkPeriodMs);
    }
    for (const room of this.#due.splice(0, this.#perTick)) void this.#check(room, "if it differs");
  }

  /** Resolves to whether the log could be asked. */
  async #check(room: string, tell: "always" | "if it differs"): Promise<boolean> {
    const { log, seen, logger, tellMembers } = this.#options;
    try {
      const position = await log.checkPosition(room);
      const known = seen.get(room);
      const differs = known !== undefined && comparePositions(position, known) !== 0;
      seen.note(room, position);
      if (tell === "always" || differs) tellMembers(room, position);
      return true;
    } catch (error) {
      logger.debug({ room, err: error }, "position check failed");
      return false;
    }
  }
}
