import { RequestError } from "../errors.ts";
import type { ReadTurns } from "../rooms/caller.ts";

/** Reads of the log that one connection may have under way. */
const readsPerConnection = 2;
/** Reads of one connection that wait: more than the rooms that a client which comes back joins in one go. */
const waitingReadsLimit = 256;
/** Bytes that may wait for a connection's reader when a read for it starts. */
const unreadBytesLimit = 1024 * 1024;
/** Tokens that reads leave to a connection's other requests. */
const reservedTokens = 500;
/** How long a read waits for its turn: less than the client waits for its answer. */
const longestWaitMs = 8_000;
/** Longest delay that a refused read is told; random, so that those refused together do not come back together. */
const retryWithinMs = 1_000;
const pollIntervalMs = 20;

export interface ConnectionReadsOptions {
  /** Bytes that wait for the connection's reader. */
  readonly waitingBytes: () => number;
  /** The milliseconds after which the connection will have so many tokens. */
  readonly tokensWaitMs: (tokens: number) => number;
}

interface WaitingRead {
  readonly start: () => void;
  readonly refuse: (error: RequestError) => void;
  readonly deadlineMs: number;
}

/**
 * Paces the reads of the log for one connection: few at a time, none while the answers before are not read, and none
 * that its tokens do not pay for. Further reads wait in their order, and are refused with RATE_LIMITED where too many
 * or for too long.
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

  run<Value>(read: () => Promise<Value>): Promise<Value> {
    if (this.#isClosed) return Promise.reject(closed());
    if (this.#waiting.length >= waitingReadsLimit) return Promise.reject(tooMany());
    return new Promise((resolve, reject) => {
      const start = () => resolve(this.#start(read));
      this.#waiting.push({ start, refuse: reject, deadlineMs: performance.now() + longestWaitMs });
      this.#startDue();
    });
  }

  /** Refuses what waits: its connection is gone. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { refuse } of this.#waiting.splice(0)) refuse(closed());
  }

  async #start<Value>(read: () => Promise<Value>): Promise<Value> {
    this.#underWay += 1;
    try {
      return await read();
    } finally {
      this.#underWay -= 1;
      // After the answer has been written, so that its bytes and its cost are known.
      setImmediate(() => this.#startDue());
    }
  }

  #startDue(): void {
    clearTimeout(this.#timer);
    while (this.#waiting[0] !== undefined && this.#waiting[0].deadlineMs <= performance.now()) {
      this.#waiting.shift()?.refuse(tooMany());
    }
    while (this.#waiting.length > 0 && this.#underWay < readsPerConnection && this.#delayMs() === 0) {
      this.#waiting.shift()?.start();
    }
    const [first] = this.#waiting;
    if (first === undefined) return;
    const leftMs = first.deadlineMs - performance.now();
    // Where all turns are taken, the next one begins with the end of a read.
    const delayMs = this.#underWay < readsPerConnection ? Math.min(this.#delayMs(), leftMs) : leftMs;
    this.#timer = setTimeout(() => this.#startDue(), Math.max(1, delayMs)).unref();
  }

  /** 0 where the connection may have another page now; otherwise when to look again. */
  #delayMs(): number {
    const { waitingBytes, tokensWaitMs } = this.#options;
    return waitingBytes() > unreadBytesLimit ? pollIntervalMs : tokensWaitMs(reservedTokens);
  }
}

function tooMany(): RequestError {
  const retryAfterMs = Math.ceil(Math.random() * retryWithinMs);
  return new RequestError("RATE_LIMITED", "this connection reads more of the log than it takes in", retryAfterMs);
}

function closed(): RequestError {
  return new RequestError("UNAVAILABLE", "the connection is closed");
}
