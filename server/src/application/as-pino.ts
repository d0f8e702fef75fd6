import { type Logger as PinoLogger, pino } from "pino";
import type { Logger } from "./logger.ts";

const levels = { debug: 20, info: 30, warn: 40, error: 50 } as const;

/** The logger that the server's parts use, in front of one that an application gave. A pino logger is used as it is. */
export function asPino(logger: Logger): PinoLogger {
  if ("child" in logger && "bindings" in logger) return logger as unknown as PinoLogger;
  const level = (label: string) =>
    (label === "fatal" ? "error" : label === "trace" ? "debug" : label) as keyof typeof levels;
  return pino(
    { level: "debug", base: null, timestamp: false, formatters: { level: (label) => ({ level: level(label) }) } },
    {
      write(line: string) {
        const { level: label, msg, ...fields } = JSON.parse(line) as { level: keyof typeof levels; msg: string };
        logger[label](fields, msg);
      },
    },
  );
}
