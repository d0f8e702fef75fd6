import { SharedTurns } from "../clock/shared-turns.ts";
import { RequestError } from "../errors.ts";
import type { Authenticate, Credentials } from "./identity.ts";
import type { Revocations } from "./revocations.ts";
import type { SessionOwners } from "./session-owners.ts";
import { type RightsOptions, Standing } from "./standing.ts";

/**
 * How long handshakes wait for each other, at most. Writing to Redis alone costs the process more than all else that is
 * asked about one; and nobody who connects notices some milliseconds.
 */
const sharedWriteMs = 5;

export interface IdentifyParts {
  readonly authenticate: Authenticate;
  readonly revocations: Pick<Revocations, "accept">;
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
  readonly #turns = new SharedTurns(sharedWriteMs);

  constructor(parts: IdentifyParts) {
    this.#parts = parts;
  }

  /** Who opens a connection. The session becomes the user's; another user's is refused. */
  async connection(credentials: Credentials, session: string): Promise<Standing> {
    const { authenticate, revocations, sessions, rights, hasUsers } = this.#parts;
    const askedAtMs = performance.now();
    const identity = await authenticate(credentials);
    if (!hasUsers) return new Standing(identity, session, rights);
    await this.#turns.turn();
    const [revokedUpToSeconds] = await Promise.all([
      revocations.accept(identity, askedAtMs),
      sessions.claim(session, identity.user),
    ]);
    return new Standing(identity, session, rights, revokedUpToSeconds);
  }

  /** Who sends a request over HTTP. */
  async request(credentials: Credentials): Promise<Standing> {
    const { authenticate, revocations, rights } = this.#parts;
    const askedAtMs = performance.now();
    const identity = await authenticate(credentials);
    return new Standing(identity, null, rights, await revocations.accept(identity, askedAtMs));
  }

  /** Takes a fresh token of a connection's user. Of several that are looked at together the one that came last counts. */
  async refresh(standing: Standing, credentials: Credentials): Promise<void> {
    const { authenticate, revocations } = this.#parts;
    const askedAtMs = performance.now();
    const renew = standing.beginRenewal();
    const identity = await authenticate(credentials);
    if (identity.user !== standing.user) {
      throw new RequestError("FORBIDDEN", "the token is another user's: open another connection for it");
    }
    renew(identity, await revocations.accept(identity, askedAtMs));
  }

  /** Keeps the session its user's, as long as the connection lasts. */
  async keepSession({ session, user }: Standing): Promise<void> {
    if (this.#parts.hasUsers && session !== null) await this.#parts.sessions.claim(session, user);
  }
}
