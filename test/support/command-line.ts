import { run } from "../../client/src/cli/run.ts";
import type { Terminal } from "../../client/src/cli/terminal.ts";

/** A command line in the test's process, with a terminal whose lines are kept. */
export interface CommandLine extends Terminal {
  readonly printed: string[];
  readonly noted: string[];
  readonly shownProgress: string[];
  /** Resolves to the exit code. */
  run(...argv: string[]): Promise<number>;
  /** What Ctrl-C does. */
  interrupt(): void;
  /** What was printed, as JSON lines. */
  json<Line>(): Line[];
}

export interface CommandLineOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Lines of standard input. */
  readonly input?: readonly string[];
}

export function commandLine({ env = {}, input = [] }: CommandLineOptions = {}): CommandLine {
  const printed: string[] = [];
  const noted: string[] = [];
  const shownProgress: string[] = [];
  const interrupt = new AbortController();
  const line: CommandLine = {
    printed,
    noted,
    shownProgress,
    env,
    out: (text) => printed.push(text),
    note: (text) => noted.push(text),
    progress: (text) => shownProgress.push(text),
    async *lines() {
      yield* input;
    },
    interrupted: () => interrupt.signal,
    interrupt: () => interrupt.abort(),
    run: (...argv) => run(argv, line),
    json: () => printed.map((text) => JSON.parse(text)),
  };
  return line;
}

/** Runs one command to its end. */
export async function holdfast(argv: readonly string[], options?: CommandLineOptions) {
  const line = commandLine(options);
  const code = await line.run(...argv);
  return { code, out: line.printed.join("\n"), notes: line.noted.join("\n"), line };
}
