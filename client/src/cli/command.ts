import type { ExitCode } from "./exit-codes.ts";
import type { Terminal } from "./terminal.ts";

/** An option of a command: a row of its table. */
export interface OptionRow {
  readonly summary: string;
  /** What its value is called in the help; an option without one is a switch. */
  readonly value?: string;
  /** It may be given several times. */
  readonly multiple?: true;
  /** The environment variable that is used where the option is not given. */
  readonly env?: string;
  readonly default?: string;
  /** Its value is a number between these two. */
  readonly range?: readonly [least: number, most: number];
}

export type OptionRows = Readonly<Record<string, OptionRow>>;

type Known<Row, Value> = Row extends { default: string } ? Value : Value | undefined;
type ValueOf<Row> = Row extends { multiple: true }
  ? readonly string[]
  : Row extends { range: unknown }
    ? Known<Row, number>
    : Row extends { value: string }
      ? Known<Row, string>
      : boolean;

export type OptionValue = string | number | boolean | readonly string[] | undefined;

/** What a command is called with, as it is parsed. */
export interface ParsedCall {
  /** As many as the command's table asks for; an optional one that was not given is undefined. */
  readonly args: readonly (string | undefined)[];
  readonly options: Readonly<Record<string, OptionValue>>;
  readonly terminal: Terminal;
}

/** The same with the types that the command's table of options gives. */
export interface Call<Rows extends OptionRows> extends Omit<ParsedCall, "options"> {
  readonly options: { readonly [Name in keyof Rows]: ValueOf<Rows[Name]> } & { readonly json: boolean };
}

/** A row of the table of commands. */
export interface Command {
  readonly name: string;
  /** `ROOM`, or `[EVENT]` where it may be left out. */
  readonly args: readonly string[];
  readonly summary: string;
  readonly options: OptionRows;
  /** Command lines without `holdfast`, each with what it does. */
  readonly examples: readonly string[];
  /** Throws a Refusal or a HoldfastError. */
  run(call: ParsedCall): ExitCode | Promise<ExitCode>;
}

/** Types a command's options by its own table of them. */
export function defineCommand<const Rows extends OptionRows>(
  command: Omit<Command, "options" | "run"> & {
    readonly options: Rows;
    run(call: Call<Rows>): ExitCode | Promise<ExitCode>;
  },
): Command {
  // The options are parsed by this very table.
  return { ...command, run: (call) => command.run(call as ParsedCall & Call<Rows>) };
}
