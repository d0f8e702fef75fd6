import { ErrorReply } from "redis";

/**
 * For scripts that try commands: `refusalIn(answers)` is the error of the first of them that Redis' access control lists
 * refuse. Of any other refusal nothing is said.
 */
export const refusalIn = `local function refusalIn(answers)
  for name, answer in pairs(answers) do
    local refusal = type(answer) == 'table' and answer.err or ''
    if string.find(refusal, 'user executing the script', 1, true) or string.find(refusal, 'ACL failure', 1, true) then
      return redis.error_reply('NOPERM ' .. name .. ': ' .. refusal)
    end
  end
end`;

/** A refusal by Redis' access control lists. */
function isMissingRight(error: unknown): error is ErrorReply {
  return error instanceof ErrorReply && error.message.startsWith("NOPERM ");
}

/**
 * Waits for trials of what the server's Redis user must be allowed to do. Throws a sentence with what is missing; a trial
 * that fails for any other reason is ignored.
 */
export async function requirePermissions(trials: readonly Promise<unknown>[], keyPrefix: string): Promise<void> {
  for (const outcome of await Promise.allSettled(trials)) {
    if (outcome.status === "fulfilled" || !isMissingRight(outcome.reason)) continue;
    throw new Error(
      `its user lacks a right (${outcome.reason.message}): give it ~${keyPrefix}* &${keyPrefix}* and the commands ` +
        "that server/README.md lists",
      { cause: outcome.reason },
    );
  }
}
