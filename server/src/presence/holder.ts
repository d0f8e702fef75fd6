import type { Moment } from "../clock/elapsed.ts";
import type { WrittenChange } from "./presence-store.ts";

/** Who a connection is a member as. */
export interface HolderOf {
  readonly connection: string;
  /** Short, and of this connection alone as long as this instance has its name. */
  readonly tag: string;
  readonly session: string;
  readonly user: string | null;
  /** When its client was heard last. */
  readonly heardAt: () => Moment;
}

/** A connection of this instance that holds its session a member of a room. */
export interface Holder extends HolderOf {
  readonly userJson: string;
  stateJson: string;
  /** Undefined until Redis has it. */
  joinedAtMs: number | undefined;
  /** Ends the wait for the session to come back. */
  cancelGrace: (() => void) | undefined;
}

/** A change of a holder that is stored under an instance's name. */
export function changeOf(
  kind: WrittenChange["kind"],
  { tag, session, userJson, stateJson, joinedAtMs }: Holder,
  instance: string,
): WrittenChange {
  return { kind, session, holder: `${instance}.${tag}`, userJson, stateJson, otherHolder: "", joinedAtMs };
}
