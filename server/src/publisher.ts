import type { Contract } from "@holdfast/client/contract";
import { asPino } from "./application/as-pino.ts";
import { consoleLogger, type Logger } from "./application/logger.ts";
import { contractSchemas } from "./application/schemas.ts";
import type { Server } from "./application/server.ts";
import type { Config } from "./config.ts";
import { RequestError } from "./errors.ts";
import { createRequests } from "./requests/carry-out.ts";
import { trustedSide } from "./requests/trusted-side.ts";
import { createRooms, type Rooms } from "./rooms.ts";
import { configFrom, requireKnownNames, type Settings, SettingsError } from "./settings.ts";

export type { Logger } from "./application/logger.ts";
export { RequestError } from "./errors.ts";
export { type Settings, SettingsError, settingsFrom } from "./settings.ts";

export interface PublisherOptions<C> {
  /** The contract of the servers. */
  readonly contract: C & Contract;
  /**
   * The settings of the servers, `redisUrl` at least. The retention above all must be theirs: every publish trims its
   * room and remembers its id by these numbers. Settings that do not concern a publisher have no effect.
   */
  readonly settings: Settings;
  /** Default: warnings and errors on the console. */
  readonly logger?: Logger;
}

/**
 * Publishes to rooms without being a server: for back ends, cron functions and queues. What it does is what the methods
 * of the same names do on a server. No hook of the application is asked.
 */
export interface Publisher<C> extends Pick<Server<C>, "publish" | "signal" | "history"> {
  /** Waits for what is under way, then closes the connection. A process that has nothing else to do ends by itself. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a publisher, which connects to Redis when it is used first. Throws a SettingsError, and a sentence with the next
 * step where the contract is not valid. Where Redis cannot be used, its methods throw UNAVAILABLE with the reason, and
 * the next call tries again.
 */
export function createPublisher<C>(options: PublisherOptions<C>): Publisher<C> {
  const settings = publisherConfig(options.settings);
  const schemas = contractSchemas(options.contract);
  const logger = asPino(options.logger ?? consoleLogger);
  const underWay = new Set<Promise<unknown>>();
  let opening: Promise<Rooms> | undefined;
  let isClosed = false;

  async function open(): Promise<Rooms> {
    const rooms = createRooms(settings, logger);
    await rooms.open("commands alone");
    return rooms;
  }

  function opened(): Promise<Rooms> {
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      if (error instanceof RequestError) throw error;
      throw new RequestError("UNAVAILABLE", error instanceof Error ? error.message : String(error));
    });
    return opening;
  }

  /** Runs a method, which `close` then waits for. */
  function run<Result>(method: () => Promise<Result>): Promise<Result> {
    if (isClosed) return Promise.reject(new RequestError("UNAVAILABLE", "the publisher is closed: create another one"));
    const result = method();
    const settled: Promise<unknown> = result.then(
      () => underWay.delete(settled),
      () => underWay.delete(settled),
    );
    underWay.add(settled);
    return result;
  }

  async function close(): Promise<void> {
    isClosed = true;
    await Promise.all(underWay);
    await (await opening)?.redis.close();
  }

  // What is wrong with a call is reported without Redis, so that it is connected to last.
  const { publish, signal, history } = trustedSide<C>(
    createRequests({
      log: {
        append: async (room, draft) => (await opened()).log.append(room, draft),
        read: async (room, range) => (await opened()).log.read(room, range),
      },
      signals: { send: async (...what) => (await opened()).signals.send(...what) },
      // Nobody joins a room through a publisher.
      known: { enter: () => undefined },
      schemas,
      hooks: {},
    }),
  );
  return {
    publish: (...args) => run(() => publish(...args)),
    signal: (...args) => run(() => signal(...args)),
    history: (...args) => run(() => history(...args)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The settings that concern a publisher: a server's port, tokens and origins are nothing to it. */
function publisherConfig(settings: Settings): Config {
  requireKnownNames(settings);
  const { redisUrl, keyPrefix, historyMaxMessages, historyTtlSeconds, publishDedupSeconds } = settings;
  if (redisUrl === undefined || redisUrl.toString().trim() === "") {
    const expected =
      "the URL of the Redis that the servers use, because nobody else would see an embedded one: " +
      "set it in the environment and pass settingsFrom(process.env), or pass { redisUrl }";
    throw new SettingsError([{ name: "REDIS_URL", expected, got: "nothing" }]);
  }
  return configFrom({ redisUrl, keyPrefix, historyMaxMessages, historyTtlSeconds, publishDedupSeconds });
}
