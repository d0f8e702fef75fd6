import { RequestError } from "../errors.ts";
import type { HandshakeChecks } from "./handshake-checks.ts";
import type { Authenticate, Credentials } from "./identity.ts";
import type { Revocations } from "./revocations.ts";
import { requireOwned, type SessionOwners } from "./session-owners.ts";
import { type RightsOptions, Standing } from "./standing.ts";

export interface IdentifyParts {
  readonly authenticate: Authenticate;
  readonly checks: Pick<HandshakeChecks, "check">;
  readonly revocations: Pick<Revocations, "require" | "requireNot">;
  readonly sessions: Pick<SessionOwners, "claim">;
  readonly rights: RightsOptions;
  /** False where everybody is anonymous: then no session is anybody's, and Redis is not asked. */
  readonly hasUsers: boolean;
}

/**
 * Finds out who somebody is. All throw UNAUTHENTICATED, TOKEN_EXPIRED, FORBIDDEN, UNAVAILABLE and what the application
 * refuses with.
 */
export class Identify {
  readonly #parts: IdentifyParts;

  constructor(parts: IdentifyParts) {
    this.#parts = parts;
  }

  /** Who opens a connection. The session becomes the user's; another user's is refused. */
  async connection(credentials: Credentials, session: string): Promise<Standing> {
    const { authenticate, checks, revocations, rights, hasUsers } = this.#parts;
    const identity = await authenticate(credentials);
    if (hasUsers) {
      const { mayUseSession, revokedUpTo } = await checks.check(session, identity.user);
      revocations.requireNot(identity, revokedUpTo);
      requireOwned(mayUseSession);
    }
    return new Standing(identity, session, rights);
  }

  /** Who sends a request over HTTP. */
  async request(credentials: Credentials): Promise<Standing> {
    const { authenticate, revocations, rights } = this.#parts;
    const identity = await authenticate(credentials);
    await revocations.require(identity);
    return new Standing(identity, null, rights);
  }

  /** Takes a fresh token of a connection's user. */
  async refresh(standing: Standing, credentials: Credentials): Promise<void> {
    const { authenticate, revocations } = this.#parts;
    const identity = await authenticate(credentials);
    if (identity.user !== standing.user) {
      throw new RequestError("FORBIDDEN", "the token is another user's: open another connection for it");
    }
    await revocations.require(identity);
    standing.renew(identity);
  }

  /** Keeps the session the user's, as long as the connection lasts. */
  async keepSession({ session, user }: Standing): Promise<void> {
    if (this.#parts.hasUsers && session !== null && user !== null) await this.#parts.sessions.claim(session, user);
  }
}
