import type { Authenticate, Identity } from "../auth/identity.ts";
import { parseRoomRights } from "../auth/rights.ts";
import type { VerifyToken } from "../auth/verify-token.ts";
import { RequestError } from "../errors.ts";
import type { Application, AuthenticatedUser, HookContext } from "./application.ts";
import { runHook } from "./hooks.ts";

/** The application's own `authenticate` where it has one, else the check of the token by the settings. */
export function createAuthenticate<C>(
  { authenticate }: Application<C>,
  context: Pick<HookContext<C>, "server" | "logger">,
  verifyToken: VerifyToken,
): Authenticate {
  if (authenticate === undefined) return ({ token }) => verifyToken(token);
  return async (credentials) => {
    const identity = await runHook("authenticate", context, (hook) => authenticate(credentials, hook));
    if (identity === null) throw new RequestError("UNAUTHENTICATED", "the application does not know who this is");
    const known = requireIdentity(identity);
    if (known.expiresAtMs !== undefined && known.expiresAtMs <= Date.now()) {
      throw new RequestError("TOKEN_EXPIRED", "the token has expired");
    }
    return known;
  };
}

/** An application in JavaScript may answer with anything; taking that for a user could open a server to everybody. */
function requireIdentity(identity: unknown): Identity {
  const { user, rooms, claims, expiresAtMs } = Object(identity) as Readonly<Record<keyof AuthenticatedUser, unknown>>;
  if (user !== null && (typeof user !== "string" || user === "")) {
    throw new Error("authenticate has to answer with null or { user }, where user is null or a text that is not empty");
  }
  if (expiresAtMs !== undefined && (typeof expiresAtMs !== "number" || Number.isNaN(expiresAtMs))) {
    throw new Error("the expiresAtMs that authenticate answers with has to be a number of milliseconds since 1970");
  }
  return {
    isToken: false,
    user,
    rooms: rooms === undefined ? undefined : parseRoomRights(rooms),
    claims,
    expiresAtMs: expiresAtMs === undefined ? undefined : Math.min(Math.floor(expiresAtMs), Number.MAX_SAFE_INTEGER),
    issuedAtSeconds: undefined,
  };
}
