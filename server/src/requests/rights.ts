import type { Action } from "../auth/rights.ts";
import type { Asking } from "../auth/standing.ts";
import { RequestError } from "../errors.ts";
import type { CallerIdentity } from "./caller.ts";

/** What a request needs in the room that it names. */
export type Right = "none" | Action;

/**
 * Is asked once for each request, after its payload was parsed and before its handler runs, whichever door it came
 * through: at once, or with a promise where the application has to be asked first. Throws FORBIDDEN, which tells nothing
 * about whether the room exists, TOKEN_EXPIRED, and what the application's `authorize` and `asking` throw.
 */
export function requireRight(
  identity: CallerIdentity,
  right: Right,
  room: string | undefined,
  asking?: Asking,
): undefined | Promise<undefined> {
  if (right === "none" || room === undefined) return undefined;
  const mayUse = identity.may(room, right, asking);
  if (typeof mayUse !== "boolean") return mayUse.then((allowed) => requireAllowed(allowed, right));
  return requireAllowed(mayUse, right);
}

function requireAllowed(isAllowed: boolean, right: Action): undefined {
  if (isAllowed) return undefined;
  throw new RequestError(
    "FORBIDDEN",
    `the right to ${right} in this room is missing: rights come from the token's claim \`rooms\`, from the application's \`authorize\`, or from ROOM_RIGHTS`,
  );
}
