import { RequestError } from "../errors.ts";
import { runScript, script } from "../redis/scripts.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import type { Identity } from "./identity.ts";
import { hashOf } from "./session-owners.ts";

/** How long a revocation is remembered: a token that lives longer than this after it is valid again. */
const rememberedSeconds = 31 * 24 * 60 * 60;
/** How long an instance knows of a revocation by itself: longer than a handshake takes. */
const knownLocallyMs = 60_000;

/** KEYS[1] the moment of one user's revocation; ARGV[1] the new one; ARGV[2] seconds for which it is remembered */
const revoke = script(
  {},
  `local known = tonumber(redis.call('GET', KEYS[1]) or '0')
redis.call('SET', KEYS[1], string.format('%.0f', math.max(known, tonumber(ARGV[1]))), 'EX', ARGV[2])`,
);
const read = script({ flags: "no-writes" }, `return redis.call('GET', KEYS[1])`);

/**
 * Knows from when on a user's tokens count: those that were issued up to that second are revoked. It is in Redis, so that
 * no instance admits anyone with an old token, not even one that starts later.
 */
export class Revocations {
  readonly #redis: Pick<SupervisedClient, "run">;
  readonly #keyPrefix: string;
  readonly #skewSeconds: number;
  readonly #recent = new Map<string, number>();

  /** @param skewSeconds - how far the clock of the tokens' issuer may differ */
  constructor(redis: Pick<SupervisedClient, "run">, keyPrefix: string, skewSeconds: number) {
    this.#redis = redis;
    this.#keyPrefix = keyPrefix;
    this.#skewSeconds = skewSeconds;
  }

  /** Revokes what was issued to a user so far. Returns the second up to which it applies. Throws UNAVAILABLE. */
  async revoke(user: string): Promise<number> {
    const seconds = Math.floor(Date.now() / 1000) + this.#skewSeconds;
    await runScript(this.#redis, revoke, [this.#key(user)], [String(seconds), String(rememberedSeconds)]);
    return seconds;
  }

  /** Takes note that another instance has revoked, for handshakes that have asked Redis already. */
  note(user: string, seconds: number): void {
    this.#recent.set(user, seconds);
    setTimeout(() => {
      if (this.#recent.get(user) === seconds) this.#recent.delete(user);
    }, knownLocallyMs).unref();
  }

  /** Whether a revocation that was noted just now concerns this identity: one that Redis was asked about before it. */
  isNoted(identity: Identity): boolean {
    const seconds = identity.user === null ? undefined : this.#recent.get(identity.user);
    return seconds !== undefined && isIssuedUpTo(identity, seconds);
  }

  /** Throws TOKEN_EXPIRED where the identity's token is revoked, and UNAVAILABLE. */
  async require(identity: Identity): Promise<void> {
    // The application is asked itself each time that somebody connects, and says itself whom it does not let in.
    if (identity.user === null || !identity.isToken) return;
    const answer = await runScript(this.#redis, read, [this.#key(identity.user)], []);
    const isRevoked = answer !== null && isIssuedUpTo(identity, Number(answer));
    if (isRevoked || this.isNoted(identity)) throw new RequestError("TOKEN_EXPIRED", "the token was revoked");
  }

  #key(user: string): string {
    return `${this.#keyPrefix}:revoked:${hashOf(user)}`;
  }
}

/** A token that does not say when it was issued may always be an old one. */
export function isIssuedUpTo({ isToken, issuedAtSeconds }: Identity, seconds: number): boolean {
  return isToken && (issuedAtSeconds ?? 0) <= seconds;
}
