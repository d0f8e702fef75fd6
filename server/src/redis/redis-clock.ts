/** Rooms whose master's clock is remembered apart from the others'. */
const rememberedRooms = 10_000;

/**
 * Tells Redis' time from what its scripts answered. In a cluster each master has a clock of its own, so what a room's
 * master said last is used for that room, and what any master said last for all others.
 */
export class RedisClock {
  readonly #aheadMs = new Map<string, number>();
  #newestAheadMs = 0;

  /** Redis said that it is `redisNowMs`. */
  note(room: string, redisNowMs: number): void {
    const aheadMs = redisNowMs - performance.now();
    this.#newestAheadMs = aheadMs;
    this.#aheadMs.delete(room);
    this.#aheadMs.set(room, aheadMs);
    if (this.#aheadMs.size <= rememberedRooms) return;
    const [oldest] = this.#aheadMs.keys();
    if (oldest !== undefined) this.#aheadMs.delete(oldest);
  }

  /** Redis' time, as a whole number of milliseconds since 1970, `inMs` from now. */
  momentMs(room: string, inMs: number): number {
    return Math.ceil(performance.now() + (this.#aheadMs.get(room) ?? this.#newestAheadMs) + inMs);
  }
}
