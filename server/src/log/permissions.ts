import { refusalIn } from "../redis/permissions.ts";
import { runScript, script } from "../redis/scripts.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import { roomKeys } from "./keys.ts";

/** No client can name this room, so nothing is stored in it. */
const trialRoom = "#";

/**
 * Tries the commands of the log's scripts on the keys and the channel of a room, and leaves nothing behind. Keys are
 * written as KEYS[n] in every call, which some managed proxies insist on.
 */
const trial = script(
  {},
  refusalIn,
  `local info = redis.pcall('INFO', 'replication')
-- None of these makes a key.
local refusal = refusalIn({
  TIME = redis.pcall('TIME'),
  INFO = info,
  XADD = redis.pcall('XADD', KEYS[1], 'NOMKSTREAM', '*', 'm', ''),
  XRANGE = redis.pcall('XRANGE', KEYS[1], '-', '+', 'COUNT', '1'),
  XREVRANGE = redis.pcall('XREVRANGE', KEYS[1], '+', '-', 'COUNT', '1'),
  GET = redis.pcall('GET', KEYS[2]),
  HMGET = redis.pcall('HMGET', KEYS[3], 'm'),
  TTL = redis.pcall('TTL', KEYS[1]),
  EXPIRE = redis.pcall('EXPIRE', KEYS[3], '1'),
  UNLINK = redis.pcall('UNLINK', KEYS[3]),
  SPUBLISH = redis.pcall('SPUBLISH', KEYS[4], '')
})
if refusal then return refusal end
if not string.find(info, 'master_replid:%x') then
  return redis.error_reply('NOPERM INFO: it does not contain master_replid')
end
-- These two make keys, so they are tried only where keys can be removed again.
refusal = refusalIn({
  SET = redis.pcall('SET', KEYS[2], '', 'EX', '1'),
  HSET = redis.pcall('HSET', KEYS[3], 'm', '')
})
redis.pcall('UNLINK', KEYS[2])
redis.pcall('UNLINK', KEYS[3])
return refusal`,
);

/** Tries the commands of the log; without a `subscriber`, subscribing is left out. */
export function tryLog(
  commands: SupervisedClient,
  subscriber: SupervisedClient | undefined,
  keyPrefix: string,
): Promise<unknown>[] {
  const { log, life, ids0, channel } = roomKeys(keyPrefix, trialRoom);
  const trials = [runScript(commands, trial, [log, life, ids0, channel], [])];
  if (subscriber !== undefined) trials.push(trySubscribing(subscriber, channel));
  return trials;
}

async function trySubscribing(subscriber: SupervisedClient, channel: string): Promise<void> {
  const listener = () => undefined;
  await subscriber.run((client) => client.sSubscribe(channel, listener));
  await subscriber.run((client) => client.sUnsubscribe(channel, listener));
}
