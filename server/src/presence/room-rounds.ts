import type { Logger } from "pino";
import type { RoomPresence } from "./room-presence.ts";

export interface RoomRoundsOptions {
  readonly rooms: ReadonlyMap<string, Pick<RoomPresence, "isWatched" | "sinceCheckMs" | "check">>;
  readonly onRound: () => void;
  readonly logger: Logger;
}

/** How often each room is compared with Redis; that also keeps its members from expiring. */
export const membersCheckMs = 15_000;
/** A room that is watched is compared when its log is checked. Where that was so long ago, it is compared by itself. */
const overdueCheckMs = 1.5 * membersCheckMs;
/** Steps of a round, over which its rooms are spread. */
const steps = 30;

/** Compares rooms with Redis where no check of their log does so. */
export class RoomRounds {
  readonly #options: RoomRoundsOptions;
  readonly #timer: NodeJS.Timeout;
  #startedMs = performance.now();
  #due: string[] = [];
  #perStep = 0;

  constructor(options: RoomRoundsOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#step(), membersCheckMs / steps);
    this.#timer.unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #step(): void {
    const { rooms, logger } = this.#options;
    if (this.#due.length === 0 && performance.now() - this.#startedMs >= membersCheckMs) this.#begin();
    for (const name of this.#due.splice(0, this.#perStep)) {
      const checked = rooms.get(name)?.check();
      checked?.catch((err: unknown) => logger.debug({ room: name, err }, "members check failed"));
    }
  }

  #begin(): void {
    const { rooms, onRound } = this.#options;
    this.#startedMs = performance.now();
    onRound();
    this.#due = [...rooms].flatMap(([name, { isWatched, sinceCheckMs }]) =>
      !isWatched || sinceCheckMs >= overdueCheckMs ? name : [],
    );
    this.#perStep = Math.ceil(this.#due.length / steps);
  }
}
