import { parseArgs } from "node:util";
import type { Command, OptionRow, OptionValue, ParsedCall } from "./command.ts";
import { nearest } from "./nearest.ts";
import { usageError } from "./refusal.ts";
import type { Terminal } from "./terminal.ts";

/** Options that every command has. */
export const commonOptions = {
  json: { summary: "prints for machines: JSON, one object a line; an error is one object on standard error" },
  help: { summary: "says what the command does, and its options" },
} as const satisfies Record<string, OptionRow>;

/** Reads a command's arguments and options by its table. Throws a Refusal with the exit code of a wrong usage. */
export function parseCall(
  command: Command,
  args: readonly string[],
  terminal: Terminal,
): { readonly call: ParsedCall; readonly isHelp: boolean } {
  const rows: Readonly<Record<string, OptionRow>> = { ...command.options, ...commonOptions };
  const { values, positionals, tokens } = parseArgs({
    args: [...args].map((arg) => (arg === "-h" ? "--help" : arg)),
    options: Object.fromEntries(
      Object.entries(rows).map(([name, { value, multiple = false }]) => [
        name,
        { type: value === undefined ? ("boolean" as const) : ("string" as const), multiple },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const isHelp = values.help === true;
  const options: Record<string, OptionValue> = {};
  for (const token of tokens) if (token.kind === "option") refuseWrongOption(command, rows, token);
  for (const [name, row] of Object.entries(rows)) {
    const given = values[name] ?? (row.env === undefined ? undefined : terminal.env[row.env] || undefined);
    options[name] = isHelp ? undefined : optionValue(name, row, given);
  }
  if (!isHelp) refuseWrongCount(command, positionals);
  return { call: { args: positionals, options, terminal }, isHelp };
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

function refuseWrongOption(command: Command, rows: Readonly<Record<string, OptionRow>>, token: OptionToken): void {
  const { name, rawName, value, inlineValue } = token;
  const row = Object.hasOwn(rows, name) ? rows[name] : undefined;
  const help = `\`holdfast ${command.name} --help\` lists its options.`;
  if (row === undefined) {
    const meant = nearest(name, Object.keys(rows));
    const next = meant === undefined ? help : `Did you mean --${meant}? ${help}`;
    throw usageError(`\`holdfast ${command.name}\` has no option ${rawName}.`, next);
  }
  if (row.value === undefined && value !== undefined) throw usageError(`--${name} takes no value.`, help);
  // The next option is no value, unless it was written as one.
  const isMissing = value === undefined || (!inlineValue && value.startsWith("--"));
  if (row.value !== undefined && isMissing) throw usageError(`--${name} needs ${row.value}.`, help);
}

function optionValue(name: string, row: OptionRow, given: unknown): OptionValue {
  if (row.multiple) return Array.isArray(given) ? given : [];
  if (row.value === undefined) return given === true;
  const text = typeof given === "string" ? given : row.default;
  if (row.range === undefined || text === undefined) return text;
  const [least, most] = row.range;
  const number = text === "" ? Number.NaN : Number(text);
  if (number >= least && number <= most) return number;
  throw usageError(`--${name} takes a number from ${least} to ${most}, got ${JSON.stringify(text)}.`);
}

function refuseWrongCount(command: Command, given: readonly string[]): void {
  const missing = command.args.slice(given.length).find((name) => !name.startsWith("["));
  const example = command.examples[0] === undefined ? undefined : `For example: holdfast ${command.examples[0]}`;
  if (missing !== undefined) throw usageError(`\`holdfast ${command.name}\` needs ${missing}.`, example);
  const unexpected = given[command.args.length];
  if (unexpected !== undefined) {
    throw usageError(`\`holdfast ${command.name}\` does not know what ${JSON.stringify(unexpected)} is for.`, example);
  }
}
