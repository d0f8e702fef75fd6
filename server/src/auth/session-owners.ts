import { createHash } from "node:crypto";
import { RequestError } from "../errors.ts";
import { runScript, script } from "../redis/scripts.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";

/** How long a session stays its user's after it was used last. Connections renew it before that. */
const ownedSeconds = 24 * 60 * 60;
/** How often a connection that stays open renews its session. */
export const renewOwnerEveryMs = (ownedSeconds * 1000) / 2;

/**
 * KEYS[1] owner of one session, a hash of the user
 * ARGV[1] the user who presents the session; "" is no user: it owns nothing and may not use what a user owns
 * ARGV[2] seconds for which the session is the owner's from now on
 *
 * Returns 1 where it may be used.
 */
const claim = script(
  {},
  `local owner = redis.call('GET', KEYS[1])
if owner and owner ~= ARGV[1] then return 0 end
if ARGV[1] ~= '' then redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2]) end
return 1`,
);

/**
 * The first user to connect with a session owns it, on all instances. Everybody in a room sees its members' sessions, so
 * without this anyone could speak with the session of somebody else.
 *
 * A session is chosen by its client, so it cannot carry a signature that binds it to a user; hence a key in Redis, which
 * costs each connection one round trip.
 */
export class SessionOwners {
  readonly #redis: Pick<SupervisedClient, "run">;
  readonly #keyPrefix: string;

  constructor(redis: Pick<SupervisedClient, "run">, keyPrefix: string) {
    this.#redis = redis;
    this.#keyPrefix = keyPrefix;
  }

  /** Makes the session the user's, again where it is. Throws FORBIDDEN where it is somebody else's, and UNAVAILABLE. */
  async claim(session: string, user: string | null): Promise<void> {
    const owner = user === null ? "" : hashOf(user);
    const key = `${this.#keyPrefix}:session:${session}`;
    const mayUse = await runScript(this.#redis, claim, [key], [owner, String(ownedSeconds)]);
    if (mayUse !== 1)
      throw new RequestError("FORBIDDEN", "the session is another user's: connect again with a new one");
  }
}

/** A user in the name of a key or as its value: of bounded length, and without the braces that a cluster looks for. */
export function hashOf(user: string): string {
  return createHash("sha256").update(user).digest("base64url").slice(0, 22);
}
