import { OverLimit, RequestError } from "../errors.ts";
import type { ReadTurns } from "../requests/caller.ts";
import type { ReaderPace } from "./reader-pace.ts";

/** Reads of one connection that wait: more than the rooms that a client which comes back joins in one go. */
const waitingReadsLimit = 256;
/** Bytes that may wait here for a connection's reader when a read for it starts. */
const waitingBytesLimit = 1024 * 1024;
/** How long a read waits for its turn: less than the client waits for its answer. */
const longestWaitMs = 8_000;
/** Longest delay that a refused read is asked for; random, so that those refused together do not come back together. */
const retryWithinMs = 1_000;
const pollIntervalMs = 20;

export interface ConnectionReadsOptions {
  /** Bytes that wait for the connection's reader. */
  readonly waitingBytes: () => number;
  /** The milliseconds after which the connection can pay for another page. */
  readonly tokensWaitMs: () => number;
  readonly pace: Pick<ReaderPace, "allows" | "pageBytes">;
}

interface WaitingRead {
  readonly start: () => void;
  readonly refuse: (error: RequestError) => void;
  readonly deadlineMs: number;
}

/**
 * Paces the reads of the log for one connection. Few run at a time, and none starts while earlier answers are unread or
 * while the connection's tokens cannot pay for it. The pages of a slow reader are smaller, so that they arrive in time.
 * Further reads wait in their order; where too many wait, or one waits for too long, they are refused with RATE_LIMITED.
 */
export class ConnectionReads implements ReadTurns {
  readonly #options: ConnectionReadsOptions;
  readonly #waiting: WaitingRead[] = [];
  #underWay = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ConnectionReadsOptions) {
    this.#options = options;
  }

  run<Value>(read: (pageBytes: number) => Promise<Value>): Promise<Value> {
    if (this.#isClosed) return Promise.reject(closed());
    if (this.#waiting.length >= waitingReadsLimit) return Promise.reject(tooMany());
    return new Promise((resolve, reject) => {
      const start = () => resolve(this.#start(read));
      this.#waiting.push({ start, refuse: reject, deadlineMs: performance.now() + longestWaitMs });
      this.resume();
    });
  }

  /** Starts the reads that may start now. Called from outside when the reader has shown that it reads. */
  resume(): void {
    clearTimeout(this.#timer);
    while (this.#waiting[0] !== undefined && this.#waiting[0].deadlineMs <= performance.now()) {
      this.#waiting.shift()?.refuse(tooMany());
    }
    while (this.#waiting.length > 0 && this.#delayMs() === 0) this.#waiting.shift()?.start();
    const [first] = this.#waiting;
    if (first === undefined) return;
    const delayMs = Math.min(this.#delayMs(), first.deadlineMs - performance.now());
    this.#timer = setTimeout(() => this.resume(), Math.max(1, delayMs)).unref();
  }

  /** Refuses what waits: its connection is gone. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { refuse } of this.#waiting.splice(0)) refuse(closed());
  }

  async #start<Value>(read: (pageBytes: number) => Promise<Value>): Promise<Value> {
    this.#underWay += 1;
    try {
      return await read(this.#options.pace.pageBytes);
    } finally {
      this.#underWay -= 1;
      // After the answer has been written, so that its bytes and its cost are known.
      setImmediate(() => this.resume());
    }
  }

  /** 0 where the connection may have another page now; otherwise when to look again. */
  #delayMs(): number {
    const { waitingBytes, tokensWaitMs, pace } = this.#options;
    // The end of a read, or the reader's answer to a ping, changes that.
    if (!pace.allows(this.#underWay)) return Number.POSITIVE_INFINITY;
    return waitingBytes() > waitingBytesLimit ? pollIntervalMs : tokensWaitMs();
  }
}

function tooMany(): RequestError {
  const retryAfterMs = Math.ceil(Math.random() * retryWithinMs);
  return new OverLimit("reads", "RATE_LIMITED", "this connection reads more of the log than it takes in", retryAfterMs);
}

function closed(): RequestError {
  return new RequestError("UNAVAILABLE", "the connection is closed");
}
