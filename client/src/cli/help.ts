import type { Command, OptionRow } from "./command.ts";
import { exitCodes } from "./exit-codes.ts";
import { commonOptions } from "./parse-call.ts";

/** `publish ROOM EVENT JSON`, without the options. */
export function usageOf({ name, args }: Command): string {
  return [name, ...args].join(" ");
}

/** What `holdfast --help` says. */
export function globalHelp(commands: readonly Command[]): string {
  const rows = commands.map((command) => [usageOf(command), command.summary] as const);
  const codes = Object.entries(exitCodes).map(([name, code]) => `${code} ${name}`);
  return `Usage: holdfast COMMAND [options]

${columns(rows)}

  \`holdfast COMMAND --help\` says more about one; \`holdfast --version\` says which this is.
  Exit codes: ${codes.join(", ")}.
`;
}

/** What `holdfast COMMAND --help` says. */
export function helpOf(command: Command): string {
  const { options, examples, summary } = command;
  const rows = Object.entries({ ...options, ...commonOptions }).map(
    ([name, row]) => [optionUsage(name, row), describe(row)] as const,
  );
  return `Usage: holdfast ${usageOf(command)} [options]

  ${summary}

Options:
${columns(rows)}

Examples:
${examples.map((example) => `  holdfast ${example}`).join("\n")}
`;
}

/** `--url URL`. */
export function optionUsage(name: string, { value }: OptionRow): string {
  return value === undefined ? `--${name}` : `--${name} ${value}`;
}

/** What an option does, where else its value comes from, and its default. */
export function describe({ summary, env, default: value }: OptionRow): string {
  const sources = [...(env === undefined ? [] : [`or ${env}`]), ...(value === undefined ? [] : [`default ${value}`])];
  return sources.length === 0 ? summary : `${summary} (${sources.join("; ")})`;
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
}
