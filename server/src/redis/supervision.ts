import type { RedisClient } from "./redis-client.ts";

/**
 * What a link is doing. Moments are the monotonic clock's, since a clock that is set must not end or stretch a limit.
 *
 *     idle ──→ connecting ⇄ proving ──→ up ──→ connecting    the client lost its connection, and tries again
 *                  ↑           │         │
 *                  └───────────┴─ resting ┘                  the client was given up: silent, or on the wrong server
 *
 * Every state ends in `closed`.
 */
export type LinkState =
  | { readonly is: "idle" | "closed" }
  | TryingState
  | UpState
  /** A fresh client starts when the timer fires. */
  | { readonly is: "resting"; readonly timer: NodeJS.Timeout };

interface TryingState {
  /** `proving`: it is connected; whether its server serves is being asked. */
  readonly is: "connecting" | "proving";
  readonly client: RedisClient;
  readonly sinceMs: number;
}

export interface UpState {
  readonly is: "up";
  readonly client: RedisClient;
  readonly sinceMs: number;
  /** A probe that finds out whether the link still lives; commands wait for it. */
  doubt: Promise<void> | undefined;
}
