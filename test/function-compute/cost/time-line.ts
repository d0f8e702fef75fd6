type Action = (nowMs: number) => void;

/** What is to happen, by its time: a binary heap. */
export class TimeLine {
  readonly #heap: { readonly atMs: number; readonly action: Action }[] = [];

  at(atMs: number, action: Action): void {
    const heap = this.#heap;
    let child = heap.push({ atMs, action }) - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (this.#atMs(parent) <= this.#atMs(child)) return;
      this.#swap(parent, child);
      child = parent;
    }
  }

  /** Carries out, in order, what is due up to a moment. */
  run(untilMs: number): void {
    while (this.#atMs(0) <= untilMs) {
      const first = this.#heap[0];
      const last = this.#heap.pop();
      if (first === undefined || last === undefined) return;
      if (this.#heap.length > 0) {
        this.#heap[0] = last;
        this.#sink();
      }
      first.action(first.atMs);
    }
  }

  #sink(): void {
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      const least = this.#atMs(left + 1) < this.#atMs(left) ? left + 1 : left;
      if (this.#atMs(least) >= this.#atMs(parent)) return;
      this.#swap(parent, least);
      parent = least;
    }
  }

  #atMs(index: number): number {
    return this.#heap[index]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  #swap(a: number, b: number): void {
    const [one, other] = [this.#heap[a], this.#heap[b]];
    if (one === undefined || other === undefined) return;
    this.#heap[a] = other;
    this.#heap[b] = one;
  }
}
