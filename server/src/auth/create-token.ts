import { SignJWT } from "jose";

export interface TokenOptions {
  /** TOKEN_SECRET of the server. */
  readonly secret: string;
  /** Becomes `sub`. */
  readonly user: string;
  /** The claim `rooms`: room or pattern to rights, `{ lobby: "read write", "news:*": "read" }`. Default: no claim. */
  readonly rooms?: Readonly<Record<string, string>> | undefined;
  /** Further claims. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** How long it is valid from now on. Default: an hour. */
  readonly expiresInSeconds?: number | undefined;
  /** TOKEN_ISSUER and TOKEN_AUDIENCE, where the server asks for them. */
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

const anHour = 3600;

/**
 * Signs a token (HS256) as a server with `AUTH=token` and this TOKEN_SECRET takes it: for tests and for development. In
 * production tokens come from where users sign in.
 */
export function createToken(options: TokenOptions): Promise<string> {
  const { secret, user, rooms, claims = {}, expiresInSeconds = anHour, issuer, audience } = options;
  const nowSeconds = Math.floor(Date.now() / 1000);
  const token = new SignJWT({ ...claims, ...(rooms === undefined ? {} : { rooms }) })
    .setProtectedHeader({ alg: "HS256" })
    .setSubject(user)
    .setIssuedAt(nowSeconds)
    .setExpirationTime(nowSeconds + expiresInSeconds);
  if (issuer !== undefined) token.setIssuer(issuer);
  if (audience !== undefined) token.setAudience(audience);
  return token.sign(new TextEncoder().encode(secret));
}
