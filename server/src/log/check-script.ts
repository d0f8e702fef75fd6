import { type Script, script } from "../redis/scripts.ts";
import chainSource from "./chain.lua";
import checkSource from "./check.lua";
import alongSource from "./check-along.lua";
import positionsSource from "./positions.lua";

/** A question about a room that is asked along with the check of its log, so that one call answers both. */
export interface CheckRider {
  /** From `checkAlongWith`. */
  readonly script: Script;
  /** They share the slot of the room's log. */
  readonly keys: readonly string[];
  readonly args: readonly string[];
  /** Takes the answer. It is not called where there is none. */
  readonly take: (answer: readonly unknown[]) => void;
}

const parts = [positionsSource, chainSource, checkSource] as const;

// It writes a loss entry now and then, also where Redis is full.
const flags = "allow-oom";

export const checkScript = script({ flags }, ...parts);

/** The check of a log together with a script of other parts, for a rider. */
export function checkAlongWith(...others: readonly string[]): Script {
  const asFunction = (name: string, sources: readonly string[]) => [
    `local function ${name}(KEYS, ARGV)`,
    ...sources,
    "end",
  ];
  return script({ flags }, ...asFunction("checkLog", parts), ...asFunction("checkAlong", others), alongSource);
}
