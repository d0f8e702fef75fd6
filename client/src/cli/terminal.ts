/** What a command sees of the process that it runs in. */
export interface Terminal {
  /** A line of the result, on standard output. */
  out(line: string): void;
  /** A line about what happens, on standard error. */
  note(line: string): void;
  /** Replaces the line of progress, where somebody looks at it; the empty text takes it away. */
  progress(text: string): void;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Standard input, line by line. */
  lines(): AsyncIterable<string>;
  /** Aborted by the first Ctrl-C, or SIGTERM. A command that does not ask for it is ended by them. */
  interrupted(): AbortSignal;
}
