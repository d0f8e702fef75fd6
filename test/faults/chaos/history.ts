import type { Position } from "../../../client/src/protocol/position.ts";

// What a run leaves behind for the verdict. Times are of the driver's clock, in milliseconds.

/** One message of a room's log. */
export interface Entry {
  readonly position: Position;
  readonly text: string;
}

/** A log from its first message to the moment when Redis lost it, or to the end of the run. */
export interface Generation {
  readonly entries: readonly Entry[];
  /** When Redis lost it; undefined for the log that stands at the end. */
  readonly lostAtMs: number | undefined;
}

export type MemberEvent =
  | {
      readonly kind: "message";
      readonly position: Position;
      readonly text: string;
      readonly replayed: boolean;
      readonly atMs: number;
    }
  | { readonly kind: "gap"; readonly after: Position; readonly position: Position; readonly atMs: number };

/** One client in one room: all that its application was told, in that order. */
export interface Membership {
  readonly client: string;
  readonly room: string;
  /** Its position at the moment it was told that it is in; undefined when that never came. */
  readonly joinedAt: Position | undefined;
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
  /** The log as Redis had it, the oldest generation first. The last one stands at the end of the run. */
  readonly generations: readonly Generation[];
  /** The log as a server serves it at the end of the run. */
  readonly served: readonly Entry[];
}

export interface History {
  readonly rooms: readonly RoomHistory[];
  readonly memberships: readonly Membership[];
  readonly publishes: readonly Publish[];
}

export type ProblemKind =
  /** In the log, and neither delivered nor covered by a gap. */
  | "lost"
  | "repeated"
  | "reordered"
  /** Delivered with other content than in the log, or not in the log at all. */
  | "altered"
  /** Delivery goes on in a log that took the place of a lost one, and the application was not told. */
  | "missing-gap"
  /** The application was told of a loss where there was none, or with wrong positions. */
  | "superfluous-gap"
  | "never-joined"
  /** Acknowledged, and not at that position of the log. */
  | "not-stored"
  | "stored-twice"
  | "stored-out-of-order"
  | "not-published"
  /** Refused for good, or never settled, though everything healed. */
  | "unsettled"
  /** The server serves another log than Redis has. */
  | "served-differs";

export interface Problem {
  readonly kind: ProblemKind;
  /** Who and what, in a sentence. */
  readonly detail: string;
}
