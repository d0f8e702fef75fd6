import type { CallerIdentity } from "./caller.ts";

/** What a request needs in the room that it names. */
export type Right = "none" | "read" | "write";

/**
 * Is asked once for each request, after its payload was parsed and before its handler runs, whichever door it came
 * through. Everybody may do everything so far; a caller without the right will be refused here with FORBIDDEN.
 */
export function requireRight(_identity: CallerIdentity, _right: Right, _room: string | undefined): void {}
