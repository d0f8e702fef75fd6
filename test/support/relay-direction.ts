import type { Socket } from "node:net";
import { type Random, randomInteger } from "./random.ts";

/** The state of the line, which may change at any time. */
export interface Weather {
  readonly delayMs: number;
  readonly splitBytes: number;
  readonly random: Random;
  readonly silent: boolean;
}

/** The end of the stream (FIN), which waits its turn behind the bytes. */
const FIN = Symbol("FIN");

interface Piece {
  readonly content: Buffer | typeof FIN;
  readonly dueMs: number;
}

/** One direction of a relayed connection: takes from `source`, gives to `destination`, never changes the order. */
export class RelayDirection {
  readonly #source: Socket;
  readonly #destination: Socket;
  readonly #weather: Weather;
  readonly #queue: Piece[] = [];
  /** A wake-up is planned, or the destination is asked to tell when it has room. */
  #waiting = false;

  constructor(source: Socket, destination: Socket, weather: Weather) {
    this.#source = source;
    this.#destination = destination;
    this.#weather = weather;
    source.on("data", (bytes: Buffer) => this.#take(bytes));
    source.on("end", () => this.#take(FIN));
    if (weather.silent) source.pause();
  }

  /** Looks at the weather again. */
  wake(): void {
    if (this.#weather.silent) this.#source.pause();
    else this.#pump();
  }

  #take(content: Piece["content"]): void {
    this.#queue.push({ content, dueMs: performance.now() + this.#weather.delayMs });
    this.#pump();
  }

  #pump(): void {
    while (!this.#waiting && !this.#weather.silent) {
      const piece = this.#queue[0];
      if (piece === undefined) {
        this.#source.resume();
        return;
      }
      const earlyMs = piece.dueMs - performance.now();
      if (earlyMs > 0) this.#continue((proceed) => setTimeout(proceed, Math.ceil(earlyMs)));
      else this.#give(piece);
    }
  }

  #give({ content, dueMs }: Piece): void {
    if (content === FIN) {
      this.#queue.shift();
      this.#destination.end();
      return;
    }
    const { splitBytes, random } = this.#weather;
    const size = splitBytes > 0 ? randomInteger(random, 1, splitBytes) : content.length;
    const rest = content.subarray(size);
    if (rest.length === 0) this.#queue.shift();
    else this.#queue[0] = { content: rest, dueMs };
    const room = this.#destination.write(content.subarray(0, size));
    if (!room) {
      this.#source.pause();
      this.#continue((proceed) => this.#destination.once("drain", proceed));
    } else if (rest.length > 0) {
      // In the next turn of the event loop, or the pieces would leave in one packet after all.
      this.#continue(setImmediate);
    }
  }

  #continue(plan: (proceed: () => void) => unknown): void {
    this.#waiting = true;
    plan(() => {
      this.#waiting = false;
      this.#pump();
    });
  }
}
