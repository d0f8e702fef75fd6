import { ErrorReply } from "redis";
import { roomKeys } from "./keys.ts";
import type { RedisLink } from "./link.ts";
import { composedScript, runScript } from "./scripts.ts";

/** No client can name this room. */
const nobodysRoom = "#";

/** Touches keys and channel of a room in the ways of the log, and leaves nothing behind: the keys do not exist. */
const trial = composedScript(
  "",
  `local log, channel = KEYS[1], KEYS[2]
local commands = {
  {'TIME'}, {'XADD', log, 'NOMKSTREAM', '*', 'm', ''}, {'XRANGE', log, '-', '+', 'COUNT', '1'},
  {'HDEL', log, 'm'}, {'PEXPIRE', log, '1'}, {'DEL', log}, {'SPUBLISH', channel, ''}
}
for _, command in ipairs(commands) do
  local answer = redis.pcall(unpack(command))
  local refusal = type(answer) == 'table' and answer.err or ''
  if string.find(refusal, 'user executing the script', 1, true) or string.find(refusal, 'ACL failure', 1, true) then
    return redis.error_reply('NOPERM ' .. command[1] .. ': ' .. refusal)
  end
end`,
);

/** A refusal by Redis' access control lists. */
function isMissingRight(error: unknown): error is ErrorReply {
  return error instanceof ErrorReply && error.message.startsWith("NOPERM ");
}

/**
 * Tries what the server's Redis user must be allowed to do. Throws a sentence with what is missing; a Redis that refuses
 * for any other reason is none of its business.
 */
export async function requireRights(commands: RedisLink, subscriber: RedisLink, keyPrefix: string): Promise<void> {
  const { log, channel } = roomKeys(keyPrefix, nobodysRoom);
  const listener = () => undefined;
  const trials = [
    runScript(commands, trial, [log, channel], []),
    subscriber
      .run((client) => client.sSubscribe(channel, listener))
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
