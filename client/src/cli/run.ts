import { HoldfastError } from "../errors.ts";
import type { Command } from "./command.ts";
import { commands } from "./commands.ts";
import { describeError } from "./describe-error.ts";
import { type ExitCode, exitCodes } from "./exit-codes.ts";
import { globalHelp, helpOf } from "./help.ts";
import { nearest } from "./nearest.ts";
import { ownVersion } from "./own-version.ts";
import { parseCall } from "./parse-call.ts";
import { Refusal, usageError } from "./refusal.ts";
import type { Terminal } from "./terminal.ts";

/** Runs one command line, without `holdfast`; resolves to the exit code. What is no refusal, but a mistake, is thrown. */
export async function run(argv: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    return await dispatch(argv, terminal);
  } catch (error) {
    if (!(error instanceof Refusal || error instanceof HoldfastError)) throw error;
    const { code, message, next, exitCode } = describeError(error);
    if (argv.includes("--json")) terminal.note(JSON.stringify({ error: { code, message, next } }));
    else terminal.note(`${code}: ${message}${next === undefined ? "" : `\n${next}`}`);
    return exitCode;
  }
}

async function dispatch([name = "--help", ...args]: readonly string[], terminal: Terminal): Promise<ExitCode> {
  if (["--help", "-h", "help"].includes(name)) {
    const command = args[0] === undefined ? undefined : find(args[0]);
    terminal.out(command === undefined ? globalHelp(commands) : helpOf(command));
    return exitCodes.fine;
  }
  if (name === "--version") {
    terminal.out(ownVersion());
    return exitCodes.fine;
  }
  const command = find(name);
  const { call, isHelp } = parseCall(command, args, terminal);
  if (!isHelp) return command.run(call);
  terminal.out(helpOf(command));
  return exitCodes.fine;
}

function find(name: string): Command {
  const command = commands.find((each) => each.name === name);
  if (command !== undefined) return command;
  const names = commands.map((each) => each.name);
  const meant = nearest(name, names);
  const next = `${meant === undefined ? "" : `Did you mean \`holdfast ${meant}\`? `}The commands are ${names.join(", ")}; \`holdfast --help\` says what each does.`;
  throw usageError(`There is no command ${JSON.stringify(name)}.`, next);
}
