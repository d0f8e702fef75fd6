import { comparePositions, isSameEpoch, type Position } from "../../protocol/position.ts";

interface Delivered {
  readonly id: string;
  readonly position: Position;
}

/** What one member was told, and whether it was told once and in order. */
export class MemberRecord {
  readonly #ids = new Set<string>();
  #last: Position | undefined;
  #lastMs: number | undefined;
  repeated = 0;
  disordered = 0;
  gaps = 0;
  /** The longest time between two messages while it was observed. */
  longestSilenceMs = 0;

  get count(): number {
    return this.#ids.size;
  }

  take({ id, position }: Delivered, atMs: number): void {
    if (this.#ids.has(id)) this.repeated += 1;
    this.#ids.add(id);
    // Across epochs numbers do not tell the order.
    const last = this.#last;
    if (last !== undefined && isSameEpoch(last, position) && comparePositions(position, last) < 0) this.disordered += 1;
    this.#last = position;
    if (this.#lastMs !== undefined) this.longestSilenceMs = Math.max(this.longestSilenceMs, atMs - this.#lastMs);
    this.#lastMs = atMs;
  }

  /** Of the ids that were acknowledged, those that did not come. */
  lost(acknowledged: Iterable<string>): number {
    let lost = 0;
    for (const id of acknowledged) if (!this.#ids.has(id)) lost += 1;
    return lost;
  }
}
