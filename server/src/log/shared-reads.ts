/**
 * Lets identical reads share one. A read that has already been sent may have been answered before a later asker's
 * subscription was confirmed, so it is never shared with him: he joins the *next* read, which starts when the one
 * under way ends, and fails with it. A storm of a thousand equal reads so costs two.
 */
export class SharedReads<Value> {
  readonly #underWay = new Map<string, Promise<Value>>();
  readonly #next = new Map<string, Promise<Value>>();

  /** Resolves to the value of a read that starts after this call. */
  share(key: string, read: () => Promise<Value>): Promise<Value> {
    const planned = this.#next.get(key);
    if (planned !== undefined) return planned;
    const current = this.#underWay.get(key);
    if (current === undefined) return this.#start(key, read);
    const next = current.then(
      () => {
        this.#next.delete(key);
        return this.#start(key, read);
      },
      (error: unknown) => {
        this.#next.delete(key);
        throw error;
      },
    );
    this.#next.set(key, next);
    return next;
  }

  #start(key: string, read: () => Promise<Value>): Promise<Value> {
    const forget = () => {
      this.#underWay.delete(key);
    };
    // Whoever joins the next read is told after this one is forgotten, so that the two cannot overlap.
    const value = read().finally(forget);
    this.#underWay.set(key, value);
    return value;
  }
}
