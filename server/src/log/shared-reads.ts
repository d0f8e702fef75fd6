import { BoundedReads } from "./bounded-reads.ts";

/**
 * Lets identical reads share one. A caller never shares a read that is already running: Redis may have answered it
 * before the caller's subscription was confirmed. It shares the next one, which starts when the one under way has ended
 * and when the bound on reads of an instance lets it, and fails with the one before it. A thousand simultaneous
 * identical reads therefore cost two.
 */
export class SharedReads<Value> {
  readonly #turns: BoundedReads;
  readonly #underWay = new Map<string, Promise<Value>>();
  /** Reads that have not started: callers that ask now may share them. */
  readonly #next = new Map<string, Promise<Value>>();

  constructor(turns: BoundedReads = new BoundedReads()) {
    this.#turns = turns;
  }

  /** Resolves to the value of a read that starts after this call. */
  share(key: string, read: () => Promise<Value>): Promise<Value> {
    const planned = this.#next.get(key);
    if (planned !== undefined) return planned;
    let isStarted = false;
    const start = () => {
      isStarted = true;
      this.#next.delete(key);
      return this.#start(key, read);
    };
    const current = this.#underWay.get(key);
    const value =
      current === undefined
        ? this.#turns.run(start)
        : current.then(
            () => this.#turns.run(start),
            (error: unknown) => {
              this.#next.delete(key);
              throw error;
            },
          );
    if (!isStarted) this.#next.set(key, value);
    return value;
  }

  #start(key: string, read: () => Promise<Value>): Promise<Value> {
    const forget = () => {
      this.#underWay.delete(key);
    };
    // A caller that joins the next read is told after this one is forgotten, so that the two cannot overlap.
    const value = read().finally(forget);
    this.#underWay.set(key, value);
    return value;
  }
}
