import type { Sender } from "@holdfast/client/protocol";

/** Who asks, and from which connection; a request knows no more about where it came from. */
export interface Caller {
  readonly from: Sender;
  /** Names the connection, so that a signal does not come back to it. */
  readonly connection: string;
  readonly membership: Membership;
  readonly reads: ReadTurns;
}

/** Gives the reads of the log of one connection their turns. */
export interface ReadTurns {
  /**
   * Runs a read when it is its turn, with the bytes that suit the connection where the read can be continued. Throws
   * RATE_LIMITED where too many wait, or it waits for too long.
   */
  run<Value>(read: (pageBytes: number) => Promise<Value>): Promise<Value>;
}

/** The rooms of one connection. */
export interface Membership {
  readonly size: number;
  has(room: string): boolean;
  /** Resolves when everything that is appended from now on reaches the connection. Throws UNAVAILABLE. */
  add(room: string): Promise<void>;
  remove(room: string): void;
}
