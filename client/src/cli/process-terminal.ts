import { createInterface } from "node:readline";
import type { Terminal } from "./terminal.ts";

/** The terminal of this process. A reader that goes away, such as `head`, ends the process quietly. */
export function processTerminal(): Terminal {
  const { stdout, stderr, stdin, env } = process;
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit();
      throw error;
    });
  }
  let hasProgress = false;
  const clear = () => {
    if (hasProgress) stderr.write("\r\x1b[K");
    hasProgress = false;
  };
  let interrupt: AbortController | undefined;
  return {
    env,
    out(line) {
      clear();
      stdout.write(`${line}\n`);
    },
    note(line) {
      clear();
      stderr.write(`${line}\n`);
    },
    progress(text) {
      if (!stderr.isTTY) return;
      clear();
      hasProgress = text !== "";
      stderr.write(text.slice(0, stderr.columns - 1));
    },
    lines: () => createInterface({ input: stdin, crlfDelay: Number.POSITIVE_INFINITY }),
    interrupted() {
      if (interrupt !== undefined) return interrupt.signal;
      const controller = new AbortController();
      // The second one ends the process, as it does everywhere.
      for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => controller.abort());
      interrupt = controller;
      return controller.signal;
    },
  };
}
