import { Unanswered } from "./within-time.ts";

interface Pending {
  readonly dueMs: number;
  /** Undefined once it is settled. */
  reject: ((error: Error) => void) | undefined;
}

/**
 * One time limit for many promises, with one timer for the oldest of them: Redis answers in order, so that those at the
 * front are settled first, and a promise costs no timer of its own.
 */
export class TimeLimit {
  readonly #limitMs: number;
  readonly #pending: Pending[] = [];
  /** Index of the oldest promise that may be pending: all before it are settled. */
  #first = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Rejects with Unanswered when the promise is not settled in time; a later rejection of it is ignored. */
  on<Value>(promise: Promise<Value>): Promise<Value> {
    return new Promise((resolve, reject) => {
      const pending: Pending = { dueMs: performance.now() + this.#limitMs, reject };
      this.#pending.push(pending);
      this.#timer ??= setTimeout(() => this.#look(), this.#limitMs).unref();
      promise.then(
        (value) => {
          this.#settled(pending);
          resolve(value);
        },
        (error: unknown) => {
          this.#settled(pending);
          reject(error);
        },
      );
    });
  }

  #settled(pending: Pending): void {
    pending.reject = undefined;
    while (this.#first < this.#pending.length && this.#pending[this.#first]?.reject === undefined) this.#first += 1;
    if (this.#first < this.#pending.length) return;
    this.#pending.length = 0;
    this.#first = 0;
  }

  #look(): void {
    this.#timer = undefined;
    // In a busy process the timer may be due while answers wait to be read, so reading goes first.
    setImmediate(() => this.#rejectOverdue());
  }

  #rejectOverdue(): void {
    const nowMs = performance.now();
    for (; this.#first < this.#pending.length; this.#first += 1) {
      const pending = this.#pending[this.#first];
      if (pending?.reject === undefined) continue;
      if (pending.dueMs > nowMs) break;
      pending.reject(new Unanswered(`no answer within ${this.#limitMs} ms`));
      pending.reject = undefined;
    }
    this.#pending.splice(0, this.#first);
    this.#first = 0;
    const [next] = this.#pending;
    if (next !== undefined) this.#timer ??= setTimeout(() => this.#look(), Math.max(1, next.dueMs - nowMs)).unref();
  }
}
