import type { Position } from "@holdfast/client";

/** What a click can ask for. */
export interface Actions {
  sendAgain(id: string): void;
  react(position: Position, emoji: string): void;
  /** Offers emoji for a message, or for none. */
  pick(message: string | undefined): void;
  cut(): void;
}
