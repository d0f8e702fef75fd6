import { RequestError } from "../errors.ts";
import { ScriptBatch } from "../redis/script-batch.ts";
import { runScript, script } from "../redis/scripts.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import type { Identity } from "./identity.ts";
import { hashOf } from "./session-owners.ts";

/** How long a revocation is remembered: a token that lives longer than this after it is valid again. */
const rememberedSeconds = 31 * 24 * 60 * 60;
/** How long an instance knows of a revocation by itself: longer than a handshake takes. */
const knownLocallyMs = 60_000;

/**
 * KEYS[1] the moment of one user's last revocation; ARGV[1] the new one; ARGV[2] seconds for which it is remembered
 *
 * Returns the moment that counts. Of two in the same second the later one is greater by a thousandth, so that each is
 * known for another one, while a token's whole second compares with both alike.
 */
const revoke = script(
  {},
  `local known = tonumber(redis.call('GET', KEYS[1]) or '0')
local moment = tonumber(ARGV[1])
if known >= moment then moment = known + 0.001 end
local text = string.format('%.3f', moment)
redis.call('SET', KEYS[1], text, 'EX', ARGV[2])
return text`,
);
/** KEYS[n] the moment of one user's last revocation. Returns an array of them, with nil where there is none. */
const read = script(
  { flags: "no-writes,allow-oom" },
  `local answers = {}
for index, key in ipairs(KEYS) do answers[index] = redis.call('GET', key) end
return answers`,
);

/** What somebody rests on, as far as a revocation is concerned. */
export interface Proof {
  readonly identity: Identity;
  /** The user's last revocation that was known when the proof was accepted; 0 where there was none. */
  readonly revokedUpToSeconds: number;
}

interface NotedRevocation {
  readonly upToSeconds: number;
  /** By this process' own clock. */
  readonly notedAtMs: number;
}

/**
 * Knows from when on a user's proofs count. A token that was issued up to that second is revoked. What an application's
 * own `authenticate` accepted is revoked where it was accepted before; the application is asked itself about what comes
 * after. The moment is in Redis, so that no instance admits anyone with an old token, not even one that starts later, and
 * so that an instance which could not hear of a revocation finds it.
 */
export class Revocations {
  readonly #redis: Pick<SupervisedClient, "run">;
  readonly #keyPrefix: string;
  readonly #skewSeconds: number;
  readonly #reads: ScriptBatch;
  readonly #recent = new Map<string, NotedRevocation>();

  /**
   * @param skewSeconds - how far the clock of the tokens' issuer may differ
   * @param isOneSlot - false in a cluster, where each user is looked up by a call of its own
   */
  constructor(redis: Pick<SupervisedClient, "run">, keyPrefix: string, skewSeconds: number, isOneSlot: boolean) {
    this.#reads = new ScriptBatch(redis, read, isOneSlot);
    this.#redis = redis;
    this.#keyPrefix = keyPrefix;
    this.#skewSeconds = skewSeconds;
  }

  /** The second up to which a revocation counts that happens now. */
  nowSeconds(): number {
    return Math.floor(Date.now() / 1000) + this.#skewSeconds;
  }

  /** Revokes what was issued to a user up to a second. Returns the moment that counts, for other instances. Throws UNAVAILABLE. */
  async revoke(user: string, upToSeconds: number): Promise<number> {
    const args = [String(upToSeconds), String(rememberedSeconds)];
    return Number(await runScript(this.#redis, revoke, [this.#key(user)], args));
  }

  /** Takes note of a revocation, for handshakes that have asked Redis already and for requests that are under way. */
  note(user: string, upToSeconds: number): void {
    if ((this.#recent.get(user)?.upToSeconds ?? 0) >= upToSeconds) return;
    const noted = { upToSeconds, notedAtMs: performance.now() };
    this.#recent.set(user, noted);
    setTimeout(() => {
      if (this.#recent.get(user) === noted) this.#recent.delete(user);
    }, knownLocallyMs).unref();
  }

  /** Whether a revocation that was noted just now concerns this proof: one that Redis was asked about before it. */
  isNoted(proof: Proof): boolean {
    const noted = this.#notedOf(proof.identity);
    return noted !== undefined && isRevokedBy(proof, noted.upToSeconds);
  }

  /**
   * Accepts an identity. Returns the user's last revocation, to be kept with it. Throws TOKEN_EXPIRED where the identity is
   * revoked, and UNAVAILABLE.
   *
   * @param askedAtMs - when its proof began to be looked at, by `performance.now()`
   */
  async accept(identity: Identity, askedAtMs: number): Promise<number> {
    if (identity.user === null) return 0;
    const readSeconds = await this.#read(identity.user);
    const noted = this.#notedOf(identity);
    const revokedUpToSeconds = Math.max(readSeconds, noted?.upToSeconds ?? 0);
    // An application that was asked before the revocation may not have known of it yet.
    const isRevoked = identity.isToken
      ? isRevokedBy({ identity, revokedUpToSeconds: 0 }, revokedUpToSeconds)
      : noted !== undefined && noted.notedAtMs >= askedAtMs;
    if (isRevoked) throw revoked();
    return revokedUpToSeconds;
  }

  /** Looks a proof up again, where a revocation may have been missed. Throws TOKEN_EXPIRED and UNAVAILABLE. */
  async check(proof: Proof): Promise<void> {
    const { user } = proof.identity;
    if (user === null) return;
    const upToSeconds = await this.#read(user);
    if (!isRevokedBy(proof, upToSeconds)) return;
    this.note(user, upToSeconds);
    throw revoked();
  }

  async #read(user: string): Promise<number> {
    return Number((await this.#reads.run(this.#key(user))) ?? 0);
  }

  #notedOf({ user }: Identity): NotedRevocation | undefined {
    return user === null ? undefined : this.#recent.get(user);
  }

  #key(user: string): string {
    return `${this.#keyPrefix}:revoked:${hashOf(user)}`;
  }
}

/** A token that does not say when it was issued may always be an old one. */
export function isRevokedBy({ identity, revokedUpToSeconds }: Proof, upToSeconds: number): boolean {
  const { isToken, issuedAtSeconds } = identity;
  return isToken ? upToSeconds > 0 && (issuedAtSeconds ?? 0) <= upToSeconds : upToSeconds > revokedUpToSeconds;
}

function revoked(): RequestError {
  return new RequestError("TOKEN_EXPIRED", "the user was disconnected, and what proved it is revoked");
}
