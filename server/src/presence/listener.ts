/** Why a member has left. */
type LeaveReason = "left" | "disconnected" | "lost";

/** Is told of joins and leaves that this instance has carried out. */
export interface PresenceListener {
  joined(room: string, user: string | null, session: string): void;
  left(room: string, user: string | null, session: string, reason: LeaveReason, count: number): void;
}

/** Tells several, in this order. */
export function tellAll(...listeners: readonly PresenceListener[]): PresenceListener {
  return {
    joined: (...what) => {
      for (const listener of listeners) listener.joined(...what);
    },
    left: (...what) => {
      for (const listener of listeners) listener.left(...what);
    },
  };
}
