import { ScriptBatch } from "../redis/script-batch.ts";
import { runScript, script } from "../redis/scripts.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import { type Generation, type Move, rolloutMs } from "./generations.ts";

/** KEYS[1] any key, which names the node of a cluster. Returns Redis' time in milliseconds. */
const now = script(
  { flags: "no-writes,allow-oom" },
  `local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)`,
);

/**
 * KEYS[n] the move of one session
 * Of each, in ARGV:
 * the build of the instance that it leaves
 * when that instance started
 * milliseconds from now for which it can wait
 * seconds from now after which nothing is known of the move any more
 */
const begin = script(
  {},
  `local answers = {}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index, key in ipairs(KEYS) do
  local build, started, wait, keep = unpack(ARGV, 4 * index - 3, 4 * index)
  local move = redis.call('HMGET', key, 'since', 'build', 'started')
  local since = move[1] or now
  -- An instance that outlasted the rollout goes itself: it is another rollout, such as a rollback.
  if move[1] and (tonumber(started) > tonumber(since) or
      (build ~= move[2] and tonumber(started) > tonumber(move[3]))) then since = now end
  redis.call('HSET', key, 'since', since, 'build', build, 'started', started, 'wait', now + wait)
  redis.call('EXPIRE', key, keep)
  answers[index] = 1
end
return answers`,
);

/** KEYS[n] the move of one session, whose client has no old connection any more: it cannot wait. */
const end = script(
  {},
  `local answers = {}
for index, key in ipairs(KEYS) do
  if redis.call('HGET', key, 'wait') then redis.call('HSET', key, 'wait', '0') end
  answers[index] = 1
end
return answers`,
);

/** KEYS[n] the move of one session. Returns of each: since, build, started, wait, Redis' time; or nil. */
const read = script(
  { flags: "no-writes,allow-oom" },
  `local answers = {}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for index, key in ipairs(KEYS) do
  local move = redis.call('HMGET', key, 'since', 'build', 'started', 'wait')
  answers[index] = move[1] and {move[1], move[2], move[3], move[4], tostring(now)} or false
end
return answers`,
);

/** The clients that instances have asked to move because they go away: in Redis, because others have to know of them. */
export class Moves {
  readonly #redis: Pick<SupervisedClient, "run">;
  readonly #keyPrefix: string;
  readonly #begins: ScriptBatch;
  readonly #ends: ScriptBatch;
  readonly #reads: ScriptBatch;

  /** @param isOneSlot - false in a cluster, where each session takes a call of its own */
  constructor(redis: Pick<SupervisedClient, "run">, keyPrefix: string, isOneSlot: boolean) {
    this.#redis = redis;
    this.#keyPrefix = keyPrefix;
    this.#begins = new ScriptBatch(redis, begin, isOneSlot);
    this.#ends = new ScriptBatch(redis, end, isOneSlot);
    this.#reads = new ScriptBatch(redis, read, isOneSlot);
  }

  /** Redis' time. Throws UNAVAILABLE. */
  async nowMs(): Promise<number> {
    return Number(await runScript(this.#redis, now, [`${this.#keyPrefix}:move`], []));
  }

  /** Takes note that a session's client is asked to leave an instance. Throws UNAVAILABLE. */
  async begin(session: string, { build, startedAtMs }: Generation, mayWaitMs: number): Promise<void> {
    const args = [build, String(startedAtMs), String(mayWaitMs), String(rolloutMs / 1000)];
    await this.#begins.run(this.#key(session), args);
  }

  /** Takes note that a session's client has left the instance, or was cut. Throws UNAVAILABLE. */
  async end(session: string): Promise<void> {
    await this.#ends.run(this.#key(session));
  }

  /** The move of a session's client, if it is asked to make one, and Redis' time. Throws UNAVAILABLE. */
  async of(session: string): Promise<{ readonly move: Move; readonly nowMs: number } | undefined> {
    const answer = await this.#reads.run(this.#key(session));
    if (!Array.isArray(answer)) return undefined;
    const [since, build, started, wait, time] = answer.map(String);
    const from = { build: build ?? "", startedAtMs: Number(started) };
    return { move: { sinceMs: Number(since), from, mayWaitUntilMs: Number(wait) }, nowMs: Number(time) };
  }

  #key(session: string): string {
    return `${this.#keyPrefix}:move:${session}`;
  }
}
