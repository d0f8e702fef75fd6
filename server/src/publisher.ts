import { randomUUID } from "node:crypto";
import type { Contract } from "@holdfast/client/contract";
import { asPino } from "./application/as-pino.ts";
import { checkedData } from "./application/checked-data.ts";
import { consoleLogger, type Logger } from "./application/logger.ts";
import { contractSchemas } from "./application/schemas.ts";
import type { Server } from "./application/server.ts";
import { SignalChannel } from "./broadcast/signal-channel.ts";
import type { Config } from "./config.ts";
import { RequestError } from "./errors.ts";
import { KnownPositions } from "./log/known-positions.ts";
import { requirePermissions } from "./log/permissions.ts";
import { onTheWaySeconds, RoomLog } from "./log/room-log.ts";
import { parsePayload } from "./parse.ts";
import { RedisConnections } from "./redis/connections.ts";
import { publishMessage } from "./requests/publish-message.ts";
import { readHistory } from "./requests/read-history.ts";
import { broadcastSignal } from "./requests/send-signal.ts";
import { configFrom, type Settings, SettingsError } from "./settings.ts";

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
 * step where the contract is no contract. Where Redis cannot be used, its methods throw UNAVAILABLE with the reason, and
 * the next call tries again.
 */
export function createPublisher<C>(options: PublisherOptions<C>): Publisher<C> {
  const config = publisherConfig(options.settings);
  const { keyPrefix } = config;
  const schemas = contractSchemas(options.contract);
  const logger = asPino(options.logger ?? consoleLogger);
  const known = new KnownPositions(config.historyTtlSeconds);
  const underWay = new Set<Promise<unknown>>();
  let opening: ReturnType<typeof open> | undefined;
  let isClosed = false;

  async function open() {
    const redis = new RedisConnections(config.redis, logger);
    const { commands } = redis;
    await redis.open("commands alone", () => requirePermissions(commands, undefined, keyPrefix));
    const idRetentionSeconds = config.publishDedupSeconds + onTheWaySeconds;
    const log = new RoomLog({ ...config, idRetentionSeconds, link: commands, known });
    try {
      await log.warmUp();
    } catch (error) {
      await redis.close();
      throw error;
    }
    return { log, signals: new SignalChannel(commands, keyPrefix), close: () => redis.close() };
  }

  function opened(): ReturnType<typeof open> {
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
    await (await opening)?.close();
  }

  return {
    publish: (room, event, data, { id = randomUUID(), user = null } = {}) =>
      run(async () => {
        const payload = parsePayload("message:publish", { room, id, event, data });
        const { json } = checkedData(schemas.of(room).allMessages, payload.event, payload.data);
        return publishMessage((await opened()).log, { user, session: null }, payload, json);
      }),
    signal: (room, event, data) =>
      run(async () => {
        const payload = parsePayload("signal:send", { room, event, data });
        const { signals } = await opened();
        await broadcastSignal({ signals, schemas }, { user: null, session: null }, payload);
      }),
    history: (room, range) =>
      run(async () => {
        const payload = parsePayload("history:read", { room, ...range });
        return readHistory((await opened()).log, payload);
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The settings that concern a publisher: a server's port, tokens and origins are nothing to it. */
function publisherConfig(settings: Settings): Config {
  const { redisUrl, keyPrefix, historyMaxMessages, historyTtlSeconds, publishDedupSeconds } = settings;
  if (redisUrl === undefined || redisUrl.toString().trim() === "") {
    const expected =
      "the URL of the Redis that the servers use, because nobody else would see an embedded one: " +
      "set it in the environment and pass settingsFrom(process.env), or pass { redisUrl }";
    throw new SettingsError([{ name: "REDIS_URL", expected, got: "nothing" }]);
  }
  return configFrom({ redisUrl, keyPrefix, historyMaxMessages, historyTtlSeconds, publishDedupSeconds });
}
