/** With the watched one itself 50: more would be a load for the page, and nobody could tell them apart. */
const otherInstances = 49;
/** After so long without a sample an instance is gone, and another one can be shown. */
const goneAfterMs = 10_000;

/** Says which instances are shown: the first so many that are there. */
export class KnownInstances {
  readonly #heardAtMs = new Map<string, number>();

  /** False for one that is not shown. */
  hear(instance: string, nowMs: number): boolean {
    if (!this.#heardAtMs.has(instance) && this.#heardAtMs.size >= otherInstances) this.#forget(nowMs);
    if (!this.#heardAtMs.has(instance) && this.#heardAtMs.size >= otherInstances) return false;
    this.#heardAtMs.set(instance, nowMs);
    return true;
  }

  #forget(nowMs: number): void {
    for (const [instance, heardAtMs] of this.#heardAtMs) {
      if (nowMs - heardAtMs > goneAfterMs) this.#heardAtMs.delete(instance);
    }
  }
}
