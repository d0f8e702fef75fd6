import { createHash } from "node:crypto";
import type { ScriptKeys } from "./redis-client.ts";
import type { SupervisedClient } from "./supervised-client.ts";

/** A Lua script that is called by its hash and sent whole only where a server does not know it (yet, or any more). */
export interface Script {
  readonly source: string;
  readonly sha: string;
}

/** Puts a script together from its flags (https://redis.io/docs/latest/develop/programmability/lua-api/) and parts. */
export function script({ flags }: { readonly flags?: string }, ...parts: readonly string[]): Script {
  const source = [flags === undefined ? "#!lua" : `#!lua flags=${flags}`, ...parts].join("\n");
  return { source, sha: createHash("sha1").update(source).digest("hex") };
}

/** Runs a script in one round trip; in two where the server's script cache does not hold it. */
export function runScript(
  redis: Pick<SupervisedClient, "run">,
  { source, sha }: Script,
  keys: ScriptKeys,
  args: string[],
): Promise<unknown> {
  return redis.run(async (client) => {
    try {
      return await client.evalSha(sha, keys, args);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("NOSCRIPT")) return client.eval(source, keys, args);
      throw error;
    }
  });
}
