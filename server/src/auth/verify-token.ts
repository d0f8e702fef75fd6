import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import type { AuthMode } from "../config.ts";
import { RequestError } from "../errors.ts";

/** Who a connection speaks for; null is nobody in particular. */
export interface Identity {
  readonly user: string | null;
}

/**
 * Makes the check of a handshake's token: nothing is asked where everybody is anonymous; otherwise the token must be
 * a JWT with a `sub`, signed with the secret (HS256) or with a key of the key set. The check throws UNAUTHENTICATED
 * and TOKEN_EXPIRED, and UNAVAILABLE where the key set cannot be fetched.
 */
export function createAuthenticator(auth: AuthMode): (token: string | undefined) => Promise<Identity> {
  if (auth.mode === "anonymous") return () => Promise.resolve({ user: null });
  const { key, issuer, audience } = auth;
  const options = {
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
    requiredClaims: ["sub", "exp"],
  };
  const verify =
    "secret" in key
      ? withSecret(new TextEncoder().encode(key.secret), { ...options, algorithms: ["HS256"] })
      : withKeySet(createRemoteJWKSet(new URL(key.jwksUrl)), options);
  return async (token) => {
    if (token === undefined) throw new RequestError("UNAUTHENTICATED", "expected a token in the handshake's auth");
    const { sub }: { sub?: unknown } = await verify(token).catch((error: unknown) => {
      throw tokenError(error);
    });
    // What the claim holds is the issuer's: by its type it is text, and the signature proves nothing about that.
    if (typeof sub !== "string" || sub === "") {
      throw new RequestError("UNAUTHENTICATED", "expected a token whose subject is a text that is not empty");
    }
    return { user: sub };
  };
}

type Options = Parameters<typeof jwtVerify>[2];

function withSecret(secret: Uint8Array, options: Options) {
  return async (token: string) => (await jwtVerify(token, secret, options)).payload;
}

function withKeySet(keys: ReturnType<typeof createRemoteJWKSet>, options: Options) {
  return async (token: string) => (await jwtVerify(token, keys, options)).payload;
}

/** Codes of jose that tell of the key set's server and not of the token: an answer that is no 200, or no key set. */
const keySetFailures: ReadonlySet<string> = new Set(["ERR_JWKS_TIMEOUT", "ERR_JWKS_INVALID", "ERR_JOSE_GENERIC"]);

function tokenError(error: unknown): RequestError {
  if (error instanceof errors.JWTExpired) return new RequestError("TOKEN_EXPIRED", "the token has expired");
  if (!(error instanceof errors.JOSEError) || keySetFailures.has(error.code)) {
    return new RequestError("UNAVAILABLE", "the token's key set cannot be fetched");
  }
  return new RequestError("UNAUTHENTICATED", `the token is not valid: ${error.message}`);
}
