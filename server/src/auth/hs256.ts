import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from "node:crypto";
import { decodeProtectedHeader, type JWTPayload, type JWTVerifyOptions, jwtVerify, UnsecuredJWT } from "jose";

/** The head of a token without a signature. */
const bareHead = Buffer.from('{"alg":"none"}').toString("base64url");

/**
 * Makes the check of tokens that are signed with a secret (HS256). jose leaves every signature to a thread of its own, which
 * costs the process more than all else that a handshake needs, where the HMAC itself takes microseconds. So it is made
 * here, at once. What it proves right is handed to jose for its claims; everything else goes to jose as it came, which
 * says what is wrong with it. The returned function throws jose's errors.
 */
export function createHs256Verifier(
  secret: string,
  options: Omit<JWTVerifyOptions, "algorithms">,
): (token: string) => Promise<JWTPayload> {
  const key = createSecretKey(secret, "utf8");
  return async (token) => {
    const claims = signedClaims(token, key);
    if (claims === undefined) return (await jwtVerify(token, key, { ...options, algorithms: ["HS256"] })).payload;
    return UnsecuredJWT.decode(`${bareHead}.${claims}.`, options).payload;
  };
}

/** The part of a token that holds its claims; undefined where the token is anything but a plain one with a good signature. */
function signedClaims(token: string, key: KeyObject): string | undefined {
  const [head, claims, signature, ...more] = token.split(".");
  if (head === undefined || claims === undefined || signature === undefined || more.length > 0) return undefined;
  if (!isPlainHs256(token)) return undefined;
  const expected = createHmac("sha256", key).update(`${head}.${claims}`).digest("base64url");
  const [given, known] = [Buffer.from(signature), Buffer.from(expected)];
  return given.length === known.length && timingSafeEqual(given, known) ? claims : undefined;
}

/** Whether a token's head names HS256, and nothing that would have to be understood beside it. */
function isPlainHs256(token: string): boolean {
  try {
    const { alg, crit } = decodeProtectedHeader(token);
    return alg === "HS256" && crit === undefined;
  } catch {
    return false;
  }
}
