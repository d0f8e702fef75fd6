import { constants } from "node:os";
import { pino } from "pino";
import type { Application } from "./application/application.ts";
import type { Server } from "./application/server.ts";
import { createServer } from "./create-server.ts";
import { misspeltSettings } from "./misspelt-settings.ts";
import { describeSurroundings, drainTooLong, platformInstance } from "./platforms/surroundings.ts";
import { configFrom, SettingsError, settingNames, settingsFrom } from "./settings.ts";
import { createShutdown } from "./shutdown.ts";

/** Within this time npm has handed on the SIGINT that a terminal sends to every process of `npm start`. */
const npmHandsOnWithinMs = 300;

/**
 * Runs an application as a process: environment -> settings -> server -> signals. It logs to the standard output, moves
 * its clients away on SIGTERM and SIGINT, and ends the process where the server cannot start. It alone reads `process`.
 */
export async function start<C>(application: Application<C>): Promise<Server<C>> {
  for (const { given, meant } of misspeltSettings(process.env, settingNames)) {
    console.error(`${given} is no setting, and has no effect: is ${meant} meant?`);
  }
  try {
    return await run(application);
  } catch (error) {
    if (error instanceof SettingsError) {
      for (const { name, expected, got } of error.problems) console.error(`${name}: expected ${expected}, got ${got}`);
      console.error(
        `The server cannot start: ${error.problems.length} setting(s) above need correction. The README lists all settings.`,
      );
    } else {
      console.error(`The server cannot start: ${error instanceof Error ? error.message : String(error)}`);
    }
    process.exit(1);
  }
}

async function run<C>(application: Application<C>): Promise<Server<C>> {
  const settings = settingsFrom(process.env);
  const { logLevel, production, drainSeconds, surroundings } = configFrom(settings, application);
  const logger = pino({
    level: logLevel,
    base: { instance: platformInstance(process.env) ?? process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
  });
  const { name, platform } = surroundings;
  logger.info({ platform: name, stop: platform.stop, drainSeconds }, describeSurroundings(surroundings));
  const tooLong = drainTooLong(surroundings, drainSeconds);
  if (tooLong !== undefined) logger.warn(tooLong);
  // node-redis leaves some rejections unhandled while a cluster changes. The supervised clients notice a loss themselves.
  process.on("unhandledRejection", (reason) => logger.error({ err: reason }, "a rejection that nobody handled"));

  const server = await createServer(application, { settings, logger });
  const { port, url, backend } = server;
  logger.info({ port, url, backend, readyMs: Math.round(performance.now()) }, "listening");
  if (!production) {
    const next =
      application.page === undefined
        ? `connect a client to ${url}; it serves a page where \`start\` is given one as \`page\`.`
        : `open ${url} in two tabs and talk.`;
    console.error(`\n  Holdfast listens on ${url}\n  Backend: ${backend}\n  Next: ${next}\n`);
  }
  const shutdown = createShutdown({
    close: async () => {
      await server.close();
      logger.info("closed");
    },
    plannedMs: drainSeconds * 1000,
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
  return server;
}
