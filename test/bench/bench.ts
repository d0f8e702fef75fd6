import type { Report } from "./report.ts";

/** One number that a bench can be told on the command line, as `--name value`. */
interface Option {
  readonly default: number;
  /** What it is, with its unit. */
  readonly meaning: string;
}

export interface Bench<Name extends string = string> {
  /** One line for the list of benches. */
  readonly summary: string;
  readonly options: Readonly<Record<Name, Option>>;
  /** Measures; what it prints on the way goes to stderr. */
  run(values: Readonly<Record<Name, number>>): Promise<Report>;
}

/** Keeps a bench's own option names inside it, and hands it to the table as one of many. */
export function defineBench<Name extends string>(bench: Bench<Name>): Bench {
  return bench;
}

/** Prints what is going on, without disturbing `--json`. */
export function progress(text: string): void {
  console.error(`  ${text}`);
}
