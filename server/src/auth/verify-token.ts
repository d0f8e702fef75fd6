import { errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from "jose";
import type { Logger } from "pino";
import type { AuthMode } from "../config.ts";
import { RequestError } from "../errors.ts";
import { createHs256Verifier } from "./hs256.ts";
import { anonymous, type Identity } from "./identity.ts";
import { createKeySet } from "./key-set.ts";
import { parseRoomRights, type RoomRights } from "./rights.ts";

/** Verifies a token. Throws UNAUTHENTICATED and TOKEN_EXPIRED, and UNAVAILABLE where its key cannot be looked up now. */
export type VerifyToken = (token: string | undefined) => Promise<Identity>;

/** Longest subject: it is stored with every message of its user. */
const longestSubject = 256;
/** What signs the tokens of a key set. The same text as key and as secret is the classic confusion; `none` is no signature. */
const keySetAlgorithms = ["RS256", "ES256", "EdDSA", "Ed25519"];

/**
 * Makes the check of a token. Where everybody is anonymous nothing is asked for, and no token is believed. Otherwise it
 * must be a JWT with `sub` and `exp`, signed with the secret (HS256) or with a key of the key set.
 */
export function createTokenVerifier(auth: AuthMode, logger?: Pick<Logger, "warn">): VerifyToken {
  if (auth.mode === "anonymous") return () => Promise.resolve(anonymous);
  const { key, issuer, audience, skewSeconds } = auth;
  const options = {
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience === undefined ? {} : { audience }),
    clockTolerance: skewSeconds,
    requiredClaims: ["sub", "exp"],
  };
  const verify = "secret" in key ? createHs256Verifier(key.secret, options) : withKeySet(key.jwksUrl, options, logger);
  return async (token) => {
    if (token === undefined)
      throw new RequestError(
        "UNAUTHENTICATED",
        "expected a token, got none: pass `token` to `connect`, or send it in `auth`",
      );
    const claims = await verify(token).catch((error: unknown) => {
      throw tokenError(error);
    });
    const { exp = 0, iat } = claims;
    // JSON holds 1e999, which is read as infinity: a token without an end, or one that no revocation comes after.
    if (!Number.isFinite(exp) || !Number.isFinite(iat ?? 0)) {
      throw new RequestError("UNAUTHENTICATED", "expected a token whose exp and iat are finite numbers");
    }
    return {
      isToken: true,
      user: subjectOf(claims),
      rooms: roomsOf(claims),
      claims,
      expiresAtMs: Math.min(Math.floor((exp + skewSeconds) * 1000), Number.MAX_SAFE_INTEGER),
      issuedAtSeconds: iat === undefined ? undefined : Math.floor(iat),
    };
  };
}

function withKeySet(url: string, options: JWTVerifyOptions, logger: Pick<Logger, "warn"> | undefined) {
  const keys = createKeySet(new URL(url), (err) => logger?.warn({ err, url }, "the token's key set was not fetched"));
  return async (token: string) => (await jwtVerify(token, keys, { ...options, algorithms: keySetAlgorithms })).payload;
}

/** By its type the claim is text; what it is was up to the issuer, and the signature proves nothing about that. */
function subjectOf({ sub }: { readonly sub?: unknown }): string {
  if (typeof sub === "string" && sub !== "" && sub.length <= longestSubject) return sub;
  throw new RequestError(
    "UNAUTHENTICATED",
    `expected a token whose subject is a text of 1 to ${longestSubject} characters`,
  );
}

function roomsOf(claims: JWTPayload): RoomRights | undefined {
  if (!Object.hasOwn(claims, "rooms") || claims.rooms === undefined) return undefined;
  try {
    return parseRoomRights(claims.rooms);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RequestError("UNAUTHENTICATED", `the token's claim is not valid: ${reason}`);
  }
}

function tokenError(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  if (error instanceof errors.JWTExpired) return new RequestError("TOKEN_EXPIRED", "the token has expired");
  if (error instanceof errors.JOSEError) {
    return new RequestError("UNAUTHENTICATED", `the token is not valid: ${error.message}`);
  }
  // What is left is the key's own trouble: a key of the set that cannot be used. The token may be good.
  return new RequestError("UNAVAILABLE", "the key of the token cannot be used");
}
