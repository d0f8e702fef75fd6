import { hash } from "node:crypto";
import { RequestError } from "../errors.ts";
import { ScriptBatch } from "../redis/script-batch.ts";
import { runScript, script } from "../redis/scripts.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";

/** How long a session stays its user's after it was used last. Connections renew it before that. */
const ownedSeconds = 24 * 60 * 60;
/**
 * The same for a client that has not signed in. It is short, so that strangers cannot fill Redis with such sessions, and so
 * that a page which signs in and comes back with the same session is soon let in.
 */
const guestSeconds = 90;
const ownerRenewalMs = 5 * 60_000;
/** A session is renewed when less than this share of its time is left. */
const renewedShare = 2 / 3;

/** How often a connection that stays open looks whether its session has to be renewed. */
export function renewOwnerEveryMs(user: string | null): number {
  return user === null ? (guestSeconds * 1000) / 3 : ownerRenewalMs;
}

/** Owns the sessions of clients that have not signed in. It is no hash of a user. */
const guest = "guest";

/** KEYS[1] owner of one session; ARGV[1] who presents it. Returns 1 where nobody else owns it. */
const mayUse = script(
  { flags: "no-writes,allow-oom" },
  `local owner = redis.call('GET', KEYS[1])
return (not owner or owner == ARGV[1]) and 1 or 0`,
);

/**
 * KEYS[n] owner of one session, a hash of the user
 * Of each, in ARGV:
 * who presents the session
 * seconds for which the session is the owner's from now on
 * seconds that are left at most when it is renewed
 *
 * Returns an array, with 1 where the session may be used, else 0.
 */
const claim = script(
  {},
  `local answers = {}
for index, key in ipairs(KEYS) do
  local mine, seconds, left = unpack(ARGV, 3 * index - 2, 3 * index)
  local owner = redis.call('GET', key)
  if owner and owner ~= mine then
    answers[index] = 0
  else
    if not owner or redis.call('TTL', key) < tonumber(left) then
      redis.call('SET', key, mine, 'EX', seconds)
    end
    answers[index] = 1
  end
end
return answers`,
);

/**
 * The first user to connect with a session owns it, on all instances. Everybody in a room sees its members' sessions, so
 * without this anyone could speak with the session of somebody else. No signed-in user may use the session of a client
 * that has not signed in, while that one uses it; guests are not distinguished.
 *
 * A session is chosen by its client, so it cannot carry a signature that binds it to a user; hence a key in Redis, which
 * costs each connection one round trip, which those that come together share, and one more where Redis refuses writes.
 */
export class SessionOwners {
  readonly #redis: Pick<SupervisedClient, "run">;
  readonly #claims: ScriptBatch;
  readonly #keyPrefix: string;

  /** @param isOneSlot - false in a cluster, where each session is claimed by a call of its own */
  constructor(redis: Pick<SupervisedClient, "run">, keyPrefix: string, isOneSlot: boolean) {
    this.#redis = redis;
    this.#claims = new ScriptBatch(redis, claim, isOneSlot);
    this.#keyPrefix = keyPrefix;
  }

  /**
   * Makes the session the user's, again where that ends soon. Throws FORBIDDEN where it is somebody else's, and UNAVAILABLE.
   *
   * Where Redis is read but refuses writes, as a full one does, a session that is nobody's is let in without becoming its
   * user's, so that clients can still join and read. Nobody can publish meanwhile. What another client could do with
   * such a session is to signal, and that bears its own user. The next renewal claims it.
   */
  async claim(session: string, user: string | null): Promise<void> {
    const mine = user === null ? guest : hashOf(user);
    const seconds = user === null ? guestSeconds : ownedSeconds;
    const key = `${this.#keyPrefix}:session:${session}`;
    const args = [mine, String(seconds), String(seconds * renewedShare)];
    const answer = await this.#claims.run(key, args).catch((error: unknown) => {
      if (!(error instanceof RequestError && error.code === "UNAVAILABLE")) throw error;
      // It may be a write alone that was refused.
      return runScript(this.#redis, mayUse, [key], [mine]);
    });
    if (answer !== 1) throw othersSession();
  }
}

function othersSession(): RequestError {
  return new RequestError("FORBIDDEN", "the session is another user's: connect again with a new one");
}

/** A user in the name of a key or as its value: of bounded length, and without the braces that a cluster looks for. */
export function hashOf(user: string): string {
  return hash("sha256", user, "base64url").slice(0, 22);
}
