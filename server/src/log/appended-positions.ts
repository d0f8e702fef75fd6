import type { Position } from "@holdfast/client/protocol";

/** Rooms of which this instance remembers what it appended last. */
const rememberedRooms = 10_000;

/**
 * The newest position that this instance has appended, by room. A publisher needs no member here: without this, an
 * instance that had acknowledged messages would not notice that a failover lost them, and would use their positions
 * again.
 */
export class AppendedPositions {
  readonly #positions = new Map<string, Position>();

  get(room: string): Position | undefined {
    return this.#positions.get(room);
  }

  /** Takes note of the newest append; the room that was longest without one is forgotten. */
  note(room: string, position: Position): void {
    this.#positions.delete(room);
    this.#positions.set(room, position);
    if (this.#positions.size <= rememberedRooms) return;
    const [oldest] = this.#positions.keys();
    if (oldest !== undefined) this.#positions.delete(oldest);
  }
}
