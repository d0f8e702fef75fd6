import { constants } from "node:os";
import { pino } from "pino";
import { startApp } from "./app.ts";
import { type ConfigProblem, parseConfig } from "./config.ts";
import { createShutdown } from "./shutdown.ts";

// The process's edge: environment -> configuration -> application -> signals. Nothing else reads `process`.

const config = parseConfig(process.env);
if (isProblems(config)) {
  for (const { name, expected, got } of config) console.error(`${name}: expected ${expected}, got ${got}`);
  console.error(
    `The server cannot start: ${config.length} setting(s) above need correction. The README lists all settings.`,
  );
  process.exit(1);
}

/** Within this time npm has handed on the SIGINT that a terminal sends to every process of `npm start`. */
const npmHandsOnWithinMs = 300;

const logger = pino({
  level: config.logLevel,
  base: { instance: process.env.FC_INSTANCE_ID ?? process.pid },
  timestamp: pino.stdTimeFunctions.isoTime,
});

// node-redis leaves some rejections unowned while a cluster changes; the links find out by themselves what is lost.
process.on("unhandledRejection", (reason) => logger.error({ err: reason }, "a rejection that nobody handled"));

try {
  const app = await startApp(config, logger);
  const url = `http://localhost:${app.port}`;
  const backend = `${app.backend.embedded ? "embedded " : ""}${app.backend.name} ${app.backend.version}`;
  logger.info({ port: app.port, url, backend, readyMs: Math.round(performance.now()) }, "listening");
  if (!config.production) {
    console.error(`\n  Holdfast listens on ${url}\n  Backend: ${backend}\n  Next: open ${url} in two tabs and talk.\n`);
  }
  const shutdown = createShutdown({
    close: async () => {
      await app.close();
      logger.info("closed");
    },
    plannedMs: config.drainSeconds * 1000,
    onFailure: (reason) => {
      logger.fatal({ err: reason }, "the shutdown failed");
      process.exit(1);
    },
    onImpatience: () => {
      logger.warn("a second SIGINT ends the process at once");
      process.exit(128 + constants.signals.SIGINT);
    },
    onePressMs: process.env.npm_lifecycle_event === undefined ? 0 : npmHandsOnWithinMs,
  });
  process.on("SIGTERM", shutdown);
  process.on("SIGINT", shutdown);
} catch (error) {
  logger.debug({ err: error }, "start failed");
  console.error(`The server cannot start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

function isProblems(value: ReturnType<typeof parseConfig>): value is readonly ConfigProblem[] {
  return Array.isArray(value);
}
