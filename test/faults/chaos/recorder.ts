import { setTimeout as delay } from "node:timers/promises";
import { comparePositions, type Position, START } from "../../../client/src/protocol/position.ts";
import type { LoggedCommand } from "../../support/append-only-file.ts";
import type { DiskSnapshot } from "../../support/redis-server.ts";
import { waitFor } from "../../support/wait.ts";
import type { Entry, Life } from "./history.ts";
import { entriesIn, type LogKey, type LogSource, openLogSource } from "./log-source.ts";

const POLL_MS = 250;
const READ_TIMEOUT_MS = 15_000;

interface Log {
  readonly ended: Life[];
  /** All that the log holds now. */
  entries: readonly Entry[];
  /** How many of these are from the lives before. */
  kept: number;
}

/** Starts to look at the logs of rooms in a Redis, or in a cluster where there are several addresses. */
export async function startRecorder(urls: readonly string[], rooms: readonly string[], logKey: LogKey) {
  return new Recorder(await openLogSource(urls), rooms, logKey);
}

/**
 * Knows what each log held at any time, beyond its losses. It looks all the time, so that a message that vanishes from
 * a log of which nothing was lost is noticed; and it is told of every loss by whoever makes Redis lose something.
 */
export class Recorder implements AsyncDisposable {
  readonly #logs: ReadonlyMap<string, Log>;
  readonly #logKey: LogKey;
  readonly #polling: Promise<void>;
  readonly #stop = new AbortController();
  #source: LogSource;
  #isPaused = false;
  /** How often it was paused: a read that was under way then tells nothing. */
  #pauses = 0;
  #failure: Error | undefined;

  constructor(source: LogSource, rooms: readonly string[], logKey: LogKey) {
    this.#source = source;
    this.#logs = new Map(rooms.map((room) => [room, { ended: [], entries: [], kept: 0 }]));
    this.#logKey = logKey;
    this.#polling = this.#poll();
  }

  /** Reads every log to its end; throws when one does not hold what it should. To be called when nothing writes. */
  async complete(): Promise<void> {
    for (const [room, log] of this.#logs) {
      log.entries = await waitFor(() => this.#readWhole(room), `the log of ${room} from Redis`, READ_TIMEOUT_MS);
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** From here on, until `resume`, the logs are not looked at: Redis may be away, or another one. */
  pause(): void {
    this.#isPaused = true;
    this.#pauses += 1;
  }

  resume(): void {
    this.#isPaused = false;
  }

  /** Redis has ended, and this is all that it wrote to its disk: nothing of it is lost so far. */
  ended(commands: readonly LoggedCommand[]): void {
    for (const [room, log] of this.#logs) {
      const last = log.entries.at(-1)?.position ?? START;
      const written = entriesIn(commands, this.#logKey(room));
      log.entries = [...log.entries, ...written.filter(({ position }) => comparePositions(position, last) > 0)];
    }
  }

  /** Redis has ended, and comes back as its disk was at the snapshot. */
  rewound(commands: readonly LoggedCommand[], { bytes }: DiskSnapshot, atMs: number): void {
    this.ended(commands);
    const beyond = commands.filter(({ endByte }) => endByte > bytes);
    for (const [room, log] of this.#logs) {
      const lost = new Set(entriesIn(beyond, this.#logKey(room)).map(({ position }) => position));
      const first = log.entries.findIndex(({ position }) => lost.has(position));
      if (first !== -1) endLife(log, first, atMs);
    }
  }

  /** Redis has ended, and comes back without the logs of these rooms. */
  wiped(commands: readonly LoggedCommand[], rooms: readonly string[], atMs: number): void {
    this.ended(commands);
    for (const room of rooms) {
      const log = this.#logs.get(room);
      if (log !== undefined && log.entries.length > 0) endLife(log, 0, atMs);
    }
  }

  /** Another Redis has taken the place of the one that was read to its end, or the same one without its data. */
  async replaced(urls: readonly string[], atMs: number): Promise<void> {
    this.#source.close();
    this.#source = await openLogSource(urls);
    for (const [room, log] of this.#logs) {
      const found = await this.#source.read(this.#logKey(room));
      const differs = log.entries.findIndex(({ position }, index) => found[index]?.position !== position);
      if (differs !== -1) endLife(log, differs, atMs);
    }
  }

  lives(room: string): Life[] {
    const log = this.#logs.get(room);
    if (log === undefined) return [];
    return [...log.ended, { kept: log.kept, appended: log.entries.slice(log.kept), endedAtMs: undefined }];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#source.close();
    await this.#polling;
  }

  async #poll(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      for (const [room, log] of this.#logs) {
        if (!this.#isPaused) await this.#readOn(room, log).catch(() => undefined); // Redis is away: the next round tells
      }
      await delay(POLL_MS);
    }
  }

  async #readOn(room: string, log: Log): Promise<void> {
    const { entries } = log;
    const last = entries.at(-1);
    const pauses = this.#pauses;
    const found = await this.#source.read(this.#logKey(room), last?.position);
    // Asked before a loss and answered afterwards, or the other way round.
    if (this.#isPaused || this.#pauses !== pauses || log.entries !== entries) return;
    if (last === undefined) log.entries = found;
    else if (found[0]?.position === last.position) log.entries = [...entries, ...found.slice(1)];
    else this.#fail(room, last.position);
  }

  async #readWhole(room: string): Promise<Entry[]> {
    const found = await this.#source.read(this.#logKey(room));
    const vanished = this.#logs.get(room)?.entries.find(({ position }, index) => found[index]?.position !== position);
    if (vanished !== undefined) this.#fail(room, vanished.position);
    return found;
  }

  #fail(room: string, position: Position): void {
    this.#failure ??= new Error(`the log of ${room} no longer holds ${position}`);
  }
}

function endLife(log: Log, kept: number, atMs: number): void {
  log.ended.push({ kept: log.kept, appended: log.entries.slice(log.kept), endedAtMs: atMs });
  log.entries = log.entries.slice(0, kept);
  log.kept = kept;
}
