import { init } from "./init.ts";
import { Refusal } from "./refusal.ts";

// `npx holdfast`: one word for what to do, and what it needs.

const usage = `Usage: holdfast init DIR

  init DIR   writes an application of your own into DIR: a contract, a server, a page
`;

type Command = (args: readonly string[]) => string;

const commands: Readonly<Record<string, Command>> = { init };

function run([name = "--help", ...args]: readonly string[]): string {
  if (name === "--help" || name === "-h" || name === "help") return usage;
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw new Refusal(`There is no command ${JSON.stringify(name)}.\n\n${usage}`);
  return command(args);
}

try {
  console.log(run(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Refusal ? error.message : error);
  process.exitCode = 1;
}
