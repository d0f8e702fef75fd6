import { ErrorReply } from "redis";
import { roomKeys } from "./keys.ts";
import type { RedisLink } from "./link.ts";
import { runScript, script } from "./scripts.ts";

/** No client can name this room. */
const nobodysRoom = "#";

/**
 * Touches keys and channel of a room in the ways of the log, and leaves nothing behind: the keys do not exist. Keys are
 * written as KEYS[n] in every call, which some managed proxies insist on.
 */
const trial = script(
  {},
  `local answers = {
  TIME = redis.pcall('TIME'),
  INFO = redis.pcall('INFO', 'replication'),
  XADD = redis.pcall('XADD', KEYS[1], 'NOMKSTREAM', '*', 'm', ''),
  XRANGE = redis.pcall('XRANGE', KEYS[1], '-', '+', 'COUNT', '1'),
  HDEL = redis.pcall('HDEL', KEYS[1], 'm'),
  PEXPIRE = redis.pcall('PEXPIRE', KEYS[1], '1'),
  DEL = redis.pcall('DEL', KEYS[1]),
  SPUBLISH = redis.pcall('SPUBLISH', KEYS[2], '')
}
for name, answer in pairs(answers) do
  local refusal = type(answer) == 'table' and answer.err or ''
  if string.find(refusal, 'user executing the script', 1, true) or string.find(refusal, 'ACL failure', 1, true) then
    return redis.error_reply('NOPERM ' .. name .. ': ' .. refusal)
  end
end
if not string.find(answers.INFO, 'master_replid:%x') then
  return redis.error_reply('NOPERM INFO: it does not tell master_replid')
end`,
);

/** A refusal by Redis' access control lists. */
function isMissingRight(error: unknown): error is ErrorReply {
  return error instanceof ErrorReply && error.message.startsWith("NOPERM ");
}

/**
 * Tries what the server's Redis user must be allowed to do; without a `subscriber`, subscribing is left out. Throws a sentence with what is missing; a Redis that refuses
 * for any other reason is none of its business.
 */
export async function requireRights(
  commands: RedisLink,
  subscriber: RedisLink | undefined,
  keyPrefix: string,
): Promise<void> {
  const { log, channel } = roomKeys(keyPrefix, nobodysRoom);
  const listener = () => undefined;
  const trials = [
    runScript(commands, trial, [log, channel], []),
    subscriber
      ?.run((client) => client.sSubscribe(channel, listener))
      .then(() => subscriber.run((client) => client.sUnsubscribe(channel, listener))),
  ];
  for (const outcome of await Promise.allSettled(trials)) {
    if (outcome.status === "fulfilled" || !isMissingRight(outcome.reason)) continue;
    throw new Error(
      `its user lacks a right (${outcome.reason.message}): give it ~${keyPrefix}* &${keyPrefix}* and the commands ` +
        "that server/README.md lists",
      { cause: outcome.reason },
    );
  }
}
