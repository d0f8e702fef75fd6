import type { Command } from "./command.ts";
import { bench } from "./commands/bench.ts";
import { doctor } from "./commands/doctor.ts";
import { init } from "./commands/init.ts";
import { listen } from "./commands/listen.ts";
import { members } from "./commands/members.ts";
import { publish } from "./commands/publish.ts";
import { token } from "./commands/token.ts";

/** The table of commands: dispatch, the help and the README's tables follow from it. */
export const commands: readonly Command[] = [init, listen, publish, members, token, bench, doctor];
