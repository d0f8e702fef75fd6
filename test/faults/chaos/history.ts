import type { Position } from "../../../client/src/protocol/position.ts";

// What a run leaves behind for the verdict. Times are of the driver's clock, in milliseconds.

/** One entry of a room's log. */
export interface Entry {
  readonly position: Position;
  /** Identifies the message: no two publishes have the same text. Undefined for an entry that is no message. */
  readonly text: string | undefined;
}

/**
 * A log from one loss to the next: what was kept of the life before it, and what was appended then. A restart or a
 * failover that loses nothing goes on with the same life.
 */
export interface Life {
  /** How many entries of the log as the life before left it; 0 for the first life. */
  readonly kept: number;
  readonly appended: readonly Entry[];
  /** When Redis lost its end; undefined for the life that stands at the end of the run. */
  readonly endedAtMs: number | undefined;
}

export type MemberEvent =
  | {
      readonly kind: "message";
      readonly position: Position;
      readonly text: string;
      readonly replayed: boolean;
      readonly atMs: number;
    }
  | { readonly kind: "gap"; readonly after: Position; readonly position: Position; readonly atMs: number }
  /** The application ended, and came back with a new client that goes on from this position and knows nothing else. */
  | { readonly kind: "returned"; readonly since: Position; readonly atMs: number };

/** One client in one room: all that its application was told, in that order. */
export interface Membership {
  readonly client: string;
  readonly room: string;
  /** Its position at the moment it was told that it is in; undefined when that never came. */
  readonly joinedAt: Position | undefined;
  readonly joinedAtMs: number;
  /** How many of the events came before that moment. */
  readonly eventsBeforeJoined: number;
  readonly events: readonly MemberEvent[];
}

export type Outcome =
  | { readonly kind: "acknowledged"; readonly position: Position; readonly atMs: number }
  | { readonly kind: "rejected"; readonly code: string }
  | { readonly kind: "pending" };

/** One call of `publish`; the calls of one client in one room are in their order. No two have the same text. */
export interface Publish {
  readonly client: string;
  readonly room: string;
  readonly text: string;
  readonly outcome: Outcome;
}

export interface RoomHistory {
  readonly room: string;
  /** The log as Redis had it, the oldest life first. The last one stands at the end of the run. */
  readonly lives: readonly Life[];
  /** The log as a server serves it at the end of the run. */
  readonly served: readonly Entry[];
}

export interface History {
  readonly rooms: readonly RoomHistory[];
  readonly memberships: readonly Membership[];
  readonly publishes: readonly Publish[];
  /** When an instance ended or stood still: what it alone knew of a loss may be gone with it. */
  readonly instanceEndsMs: readonly number[];
}

export type ProblemKind =
  /** In the log, and neither delivered nor covered by a gap. */
  | "lost"
  | "repeated"
  | "reordered"
  /** Delivered with other content than in the log, or not in the log at all. */
  | "altered"
  /** The application was told something that Redis lost, and then what came instead of it, without a gap before. */
  | "missing-gap"
  /** Something that others were told, or that this client was acknowledged for, was lost, and it was never told. */
  | "untold-loss"
  /** The application was told of a loss where there was none, a second time, or with wrong positions. */
  | "superfluous-gap"
  | "never-joined"
  /** Acknowledged, and not at that position of any log. */
  | "not-stored"
  | "stored-twice"
  | "stored-out-of-order"
  | "not-published"
  /** One position names two messages, whether or not one member got both. */
  | "position-reused"
  /** Refused for good, or never settled, though everything healed. */
  | "unsettled"
  /** The server serves another log than Redis has. */
  | "served-differs";

export interface Problem {
  readonly kind: ProblemKind;
  /** Who and what, in a sentence. */
  readonly detail: string;
}
