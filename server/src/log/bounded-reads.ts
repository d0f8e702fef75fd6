/**
 * Reads that one instance may have under way in Redis. Redis carries out one command at a time, so a publish waits for
 * all reads before it: eight pages take a few milliseconds. Fewer reads would leave Redis idle while answers travel to a
 * distant instance.
 */
const readsPerInstance = 8;

/**
 * Lets a bounded number of reads run at a time. Further ones wait for their turn in the order in which they were asked
 * for. A connection asks for few at a time, so that no connection can fill this line with its own.
 */
export class BoundedReads {
  readonly #limit: number;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  constructor(limit: number = readsPerInstance) {
    this.#limit = limit;
  }

  /** Runs a read: at once, within this call, where one may start; otherwise when one before it has ended. */
  run<Value>(read: () => Promise<Value>): Promise<Value> {
    if (this.#underWay < this.#limit) return this.#start(read);
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve(this.#start(read)));
    });
  }

  async #start<Value>(read: () => Promise<Value>): Promise<Value> {
    this.#underWay += 1;
    try {
      return await read();
    } finally {
      this.#underWay -= 1;
      this.#waiting.shift()?.();
    }
  }
}
