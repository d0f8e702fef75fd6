import type { Moment } from "../clock/elapsed.ts";
import type { WrittenChange } from "./presence-store.ts";

/** A connection, and the session that it would hold a member. */
export interface HolderOf {
  readonly connection: string;
  /** Names this connection among all that the instance has had under its present name; short, because Redis stores it. */
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

/** A change of this holder, to be written under the name of an instance. */
export function changeOf(
  kind: WrittenChange["kind"],
  { tag, session, userJson, stateJson, joinedAtMs }: Holder,
  instance: string,
): WrittenChange {
  return { kind, session, holder: `${instance}.${tag}`, userJson, stateJson, otherHolder: "", joinedAtMs };
}
