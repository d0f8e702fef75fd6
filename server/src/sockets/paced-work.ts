/** The first delay before something that failed is tried again; each further one is twice as long, up to the longest. */
const firstDelayMs = 1_000;
const longestDelayMs = 30_000;

export interface PacedWorkOptions<Item> {
  /** How many items are worked on at a time. */
  readonly atATime: number;
  /** One step for an item. `more`: it has further ones, which come after those of the others. Throws what makes it wait. */
  readonly step: (item: Item) => Promise<"done" | "more">;
  /** Is told the first failure since all was done last. */
  readonly onFailing: (error: unknown) => void;
}

/**
 * Works through many items with few steps under way at a time, in turn, so that a slow item holds up no other one for
 * longer than a step. A step that fails is tried again with back-off, until it succeeds.
 */
export class PacedWork<Item extends object> {
  readonly #options: PacedWorkOptions<Item>;
  readonly #waiting = new Set<Item>();
  readonly #underWay = new Set<Item>();
  readonly #later = new Map<Item, NodeJS.Timeout>();
  readonly #failures = new WeakMap<Item, number>();
  #isFailing = false;
  #isStopped = false;

  constructor(options: PacedWorkOptions<Item>) {
    this.#options = options;
  }

  /** Adds an item, or has one worked on soon that waits for another try. */
  add(item: Item): void {
    if (this.#isStopped) return;
    clearTimeout(this.#later.get(item));
    this.#later.delete(item);
    this.#waiting.add(item);
    this.#start();
  }

  stop(): void {
    this.#isStopped = true;
    this.#waiting.clear();
    for (const timer of this.#later.values()) clearTimeout(timer);
    this.#later.clear();
  }

  #start(): void {
    for (const item of this.#waiting) {
      if (this.#underWay.size >= this.#options.atATime) return;
      // One that was added again while its step is under way gets another one after that.
      if (this.#underWay.has(item)) continue;
      this.#waiting.delete(item);
      void this.#work(item);
    }
  }

  async #work(item: Item): Promise<void> {
    this.#underWay.add(item);
    try {
      if ((await this.#options.step(item)) === "more") this.#waiting.add(item);
      this.#failures.delete(item);
    } catch (error) {
      if (!this.#isFailing) this.#options.onFailing(error);
      this.#isFailing = true;
      this.#tryLater(item);
    }
    this.#underWay.delete(item);
    if (this.#isStopped) return;
    if (this.#waiting.size === 0 && this.#underWay.size === 0 && this.#later.size === 0) this.#isFailing = false;
    this.#start();
  }

  #tryLater(item: Item): void {
    if (this.#isStopped || this.#waiting.has(item)) return;
    const failures = this.#failures.get(item) ?? 0;
    this.#failures.set(item, failures + 1);
    const delayMs = Math.min(longestDelayMs, firstDelayMs * 2 ** Math.min(failures, 10));
    // From half of it to all of it, so that what failed together does not come back together.
    const timer = setTimeout(() => this.add(item), delayMs * (1 - Math.random() / 2)).unref();
    this.#later.set(item, timer);
  }
}
