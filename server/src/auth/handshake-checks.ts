import { setTimeout as delay } from "node:timers/promises";
import type { Script } from "../redis/scripts.ts";
import { runScript, script } from "../redis/scripts.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import { readRevocation, revocationKey } from "./revocations.ts";
import { claimSession, ownedFor, ownerText, sessionKey } from "./session-owners.ts";

/** Handshakes that one script asks about: few enough that other commands do not wait for them. */
const handshakesPerScript = 64;
/**
 * From the beginning of one question to that of the next one. Writing to Redis costs a handshake more than all that Redis
 * does for it, and nobody who connects notices some milliseconds.
 */
const pauseMs = 5;

/**
 * KEYS by twos: the owner of a session, and the revocation of a user
 * ARGV[1] seconds for which a session is its owner's from now on
 * ARGV[2], … who presents each of the sessions, as in the script of one session
 *
 * Returns by twos: 1 where the session may be used, and the moment of the revocation where there is one.
 */
const checkAll: Script = script(
  {},
  `local answers = {}
for i = 1, #KEYS, 2 do
  local presented = ARGV[(i + 1) / 2 + 1]
  local owner = redis.call('GET', KEYS[i])
  if owner and owner ~= presented then
    answers[i] = 0
  else
    if presented ~= '' then redis.call('SET', KEYS[i], presented, 'EX', ARGV[1]) end
    answers[i] = 1
  end
  answers[i + 1] = redis.call('GET', KEYS[i + 1])
end
return answers`,
);

/** What Redis knows of somebody who connects. */
export interface HandshakeCheck {
  readonly mayUseSession: boolean;
  /** Up to which second the user's tokens are revoked; null where none is. */
  readonly revokedUpTo: string | null;
}

interface Waiting {
  readonly session: string;
  readonly user: string | null;
  readonly resolve: (check: HandshakeCheck) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Asks Redis about everybody who connects: whose the session is, and whether the user's tokens are revoked. Soon after
 * one question further handshakes wait, and go out together with the next one; so clients that all come at once
 * cost a few round trips, and one alone waits for nothing. In a cluster a session and a user are at home in different places, and are asked about alone.
 */
export class HandshakeChecks {
  readonly #redis: Pick<SupervisedClient, "run">;
  readonly #keyPrefix: string;
  readonly #isCluster: boolean;
  readonly #waiting: Waiting[] = [];
  #isUnderWay = false;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(redis: Pick<SupervisedClient, "run">, keyPrefix: string, isCluster: boolean) {
    this.#redis = redis;
    this.#keyPrefix = keyPrefix;
    this.#isCluster = isCluster;
  }

  /** Makes the session the user's where it is nobody else's. Throws UNAVAILABLE. */
  check(session: string, user: string | null): Promise<HandshakeCheck> {
    if (this.#isCluster) return this.#checkAlone(session, user);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ session, user, resolve, reject });
      if (!this.#isUnderWay) void this.#checkWaiting();
    });
  }

  async #checkWaiting(): Promise<void> {
    this.#isUnderWay = true;
    while (this.#waiting.length > 0) {
      const leftMs = this.#askedAtMs + pauseMs - performance.now();
      if (leftMs > 0) await delay(leftMs);
      this.#askedAtMs = performance.now();
      const batch = this.#waiting.splice(0, handshakesPerScript);
      try {
        const answers = await this.#ask(batch);
        for (const [index, { resolve }] of batch.entries()) resolve(checkOf(answers, index));
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    this.#isUnderWay = false;
  }

  async #ask(batch: readonly Waiting[]): Promise<readonly unknown[]> {
    const keys = batch.flatMap(({ session, user }) => this.#keysOf(session, user));
    const [first = "", ...others] = keys;
    const args = [ownedFor, ...batch.map(({ user }) => ownerText(user))];
    return (await runScript(this.#redis, checkAll, [first, ...others], args)) as readonly unknown[];
  }

  async #checkAlone(session: string, user: string | null): Promise<HandshakeCheck> {
    const [ownerKey, revokedKey] = this.#keysOf(session, user);
    const answers = await Promise.all([
      runScript(this.#redis, claimSession, [ownerKey], [ownerText(user), ownedFor]),
      runScript(this.#redis, readRevocation, [revokedKey], []),
    ]);
    return checkOf(answers, 0);
  }

  #keysOf(session: string, user: string | null): readonly [string, string] {
    return [sessionKey(this.#keyPrefix, session), revocationKey(this.#keyPrefix, user ?? "")];
  }
}

function checkOf(answers: readonly unknown[], index: number): HandshakeCheck {
  const revokedUpTo = answers[2 * index + 1] ?? null;
  return {
    mayUseSession: answers[2 * index] === 1,
    revokedUpTo: revokedUpTo === null ? null : String(revokedUpTo),
  };
}
