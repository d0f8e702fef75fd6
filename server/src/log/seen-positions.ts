import { comparePositions, type Position } from "@holdfast/client/protocol";

/**
 * The newest position that this instance has delivered, by room that has members here. Two uses: a log whose head is
 * ahead of it has lost a broadcast to this instance, and a log that is behind it has lost writes.
 */
export class SeenPositions {
  readonly #positions = new Map<string, Position>();

  get(room: string): Position | undefined {
    return this.#positions.get(room);
  }

  /** Takes note of a position; an older one changes nothing. */
  note(room: string, position: Position): void {
    const seen = this.#positions.get(room);
    if (seen === undefined || comparePositions(position, seen) > 0) this.#positions.set(room, position);
  }

  forget(room: string): void {
    this.#positions.delete(room);
  }
}
