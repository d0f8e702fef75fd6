import { setTimeout as delay } from "node:timers/promises";
import { createClient } from "redis";
import type { Position } from "../../../client/src/protocol/position.ts";
import { waitFor } from "../../support/wait.ts";
import type { Entry, Generation } from "./history.ts";

const POLL_MS = 250;
const READ_TIMEOUT_MS = 15_000;

/** Where the log of a room is, in Redis. */
export type LogKey = (room: string) => string;

/**
 * Reads the logs straight from Redis, on a line of its own that suffers from nothing but Redis itself, and keeps them
 * beyond their loss. It looks all the time, so that a message that vanishes from a log that was not lost is noticed.
 */
export async function startRecorder(url: string, rooms: readonly string[], logKey: LogKey): Promise<Recorder> {
  const client = createClient({ url, socket: { reconnectStrategy: () => 50 } });
  // Redis is killed again and again: node-redis reconnects, and what fails meanwhile is tried again here.
  client.on("error", () => undefined);
  await client.connect();
  const readAll = async (room: string) => {
    const found = await client.xRange(logKey(room), "-", "+");
    return (found ?? []).map(({ id, message }) => ({ position: id as Position, text: textOf(message) }));
  };
  return new Recorder(rooms, readAll, () => client.destroy());
}

export class Recorder implements AsyncDisposable {
  readonly #rooms: ReadonlyMap<string, { lost: Generation[]; current: readonly Entry[] }>;
  readonly #readAll: (room: string) => Promise<Entry[]>;
  readonly #close: () => void;
  readonly #polling: Promise<void>;
  readonly #stop = new AbortController();
  #isPaused = false;
  #failure: Error | undefined;

  constructor(rooms: readonly string[], readAll: (room: string) => Promise<Entry[]>, close: () => void) {
    this.#rooms = new Map(rooms.map((room) => [room, { lost: [], current: [] }]));
    this.#readAll = readAll;
    this.#close = close;
    this.#polling = this.#poll();
  }

  /**
   * Reads every log to its end; throws when one no longer holds what it held. To be called when nothing writes.
   */
  async complete(): Promise<void> {
    for (const room of this.#rooms.keys()) {
      await waitFor(() => this.#read(room).then(() => true), `the log of ${room} from Redis`, READ_TIMEOUT_MS);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** From here on, until `resume`, Redis may be empty: the logs as they were read last are the whole of a generation. */
  pause(lostAtMs: number): void {
    this.#isPaused = true;
    for (const log of this.#rooms.values()) {
      log.lost.push({ entries: log.current, lostAtMs });
      log.current = [];
    }
  }

  resume(): void {
    this.#isPaused = false;
  }

  generations(room: string): Generation[] {
    const { lost, current } = this.#rooms.get(room) ?? { lost: [], current: [] };
    return [...lost, { entries: current, lostAtMs: undefined }];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#close();
    await this.#polling;
  }

  async #poll(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      for (const room of this.#rooms.keys()) {
        if (!this.#isPaused) await this.#read(room).catch(() => undefined); // Redis is away: the next round tells
      }
      await delay(POLL_MS);
    }
  }

  async #read(room: string): Promise<void> {
    const log = this.#rooms.get(room);
    if (log === undefined) return;
    const before = log.lost.length;
    const entries = await this.#readAll(room);
    // Asked before the log was lost and answered afterwards, or the other way round.
    if (this.#isPaused || log.lost.length !== before) return;
    const vanished = log.current.find(({ position }, index) => entries[index]?.position !== position);
    if (vanished !== undefined) this.#failure ??= new Error(`the log of ${room} no longer holds ${vanished.position}`);
    if (entries.length >= log.current.length) log.current = entries;
  }
}

/** The log holds a message as the JSON behind its position. */
function textOf({ m: body }: Record<string, string>): string {
  const { data } = JSON.parse(`{${body}`) as { data: { text: string } };
  return data.text;
}
