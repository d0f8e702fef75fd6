/** Why a member has left. */
export type LeaveReason = "left" | "disconnected" | "lost";

/** Is told of joins and leaves that this instance has carried out. */
export interface PresenceListener {
  joined(room: string, user: string | null, session: string): void;
  left(room: string, user: string | null, session: string, reason: LeaveReason, count: number): void;
}
