import { processTerminal } from "./process-terminal.ts";
import { run } from "./run.ts";

// `npx holdfast`: one word for what to do, and what it needs.

process.exitCode = await run(process.argv.slice(2), processTerminal());
