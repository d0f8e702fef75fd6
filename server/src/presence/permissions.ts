import { refusalIn } from "../redis/permissions.ts";
import { runScript, script } from "../redis/scripts.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import { leasesKey, presenceKeys } from "./keys.ts";

/** No client can name this room, so nobody is in it. */
const trialRoom = "#";

/** Tries what only the members of a room need, and leaves nothing behind. Keys are written as in the log's trial. */
const membersTrial = script(
  {},
  refusalIn,
  `local refusal = refusalIn({
  HGET = redis.pcall('HGET', KEYS[1], 'm'),
  HMGET = redis.pcall('HMGET', KEYS[1], 'm'),
  HLEN = redis.pcall('HLEN', KEYS[1]),
  HKEYS = redis.pcall('HKEYS', KEYS[1]),
  HGETALL = redis.pcall('HGETALL', KEYS[1]),
  HSCAN = redis.pcall('HSCAN', KEYS[1], '0', 'COUNT', '1'),
  HDEL = redis.pcall('HDEL', KEYS[1], 'm'),
  EXPIRE = redis.pcall('EXPIRE', KEYS[1], '1'),
  SPUBLISH = redis.pcall('SPUBLISH', KEYS[2], '')
})
if refusal then return refusal end
-- These two make a key, so they are tried only where it can be removed again.
refusal = refusalIn({
  HSET = redis.pcall('HSET', KEYS[1], 'm', ''),
  HINCRBY = redis.pcall('HINCRBY', KEYS[1], 'n', '1')
})
redis.pcall('HDEL', KEYS[1], 'm', 'n')
return refusal`,
);

/** The same for the leases of instances. */
const leasesTrial = script(
  {},
  refusalIn,
  `local refusal = refusalIn({
  ZSCORE = redis.pcall('ZSCORE', KEYS[1], 'm'),
  ZRANGE = redis.pcall('ZRANGE', KEYS[1], '0', '-1', 'WITHSCORES'),
  ZREM = redis.pcall('ZREM', KEYS[1], 'm')
})
if refusal then return refusal end
refusal = refusalIn({ ZADD = redis.pcall('ZADD', KEYS[1], '1', 'm') })
redis.pcall('ZREM', KEYS[1], 'm')
return refusal`,
);

/** Tries the commands of presence. */
export function tryPresence(commands: SupervisedClient, keyPrefix: string): Promise<unknown>[] {
  const { members, channel } = presenceKeys(keyPrefix, trialRoom);
  return [
    runScript(commands, membersTrial, [members, channel], []),
    runScript(commands, leasesTrial, [`${leasesKey(keyPrefix)}:trial`], []),
  ];
}
