import type { Logger } from "pino";
import { roomChannel } from "./broadcast/names.ts";
import { SignalChannel } from "./broadcast/signal-channel.ts";
import type { Config } from "./config.ts";
import { roomKeys } from "./log/keys.ts";
import { KnownPositions } from "./log/known-positions.ts";
import { tryLog } from "./log/permissions.ts";
import { onTheWaySeconds, RoomLog, type RoomLogOptions } from "./log/room-log.ts";
import { tryPresence } from "./presence/permissions.ts";
import { RedisConnections } from "./redis/connections.ts";
import { requirePermissions } from "./redis/permissions.ts";
import { RedisClock } from "./redis/redis-clock.ts";

type RoomSettings = Pick<
  Config,
  "redis" | "keyPrefix" | "historyMaxMessages" | "historyTtlSeconds" | "publishDedupSeconds"
>;

/** The rooms of a deployment as one process reaches them: what a server and a publisher have in common. */
export interface Rooms {
  readonly redis: RedisConnections;
  readonly known: KnownPositions;
  readonly log: RoomLog;
  readonly signals: SignalChannel;
  /** Redis' time, as the log learns it. */
  readonly clock: RedisClock;
  /**
   * Connects. Throws a sentence with the next step where Redis cannot be used; everything is closed then.
   *
   * @param roles - a process without members needs no connection for subscriptions
   */
  open(roles: "all" | "commands alone"): Promise<void>;
}

/**
 * Puts together what reaches the rooms. Nothing is connected before `open`.
 *
 * @param ofServer - what only a process with members has
 */
export function createRooms(
  settings: RoomSettings,
  logger: Logger,
  ofServer: Pick<RoomLogOptions, "onLoss" | "batchPauseMs"> = {},
): Rooms {
  const { keyPrefix, historyMaxMessages, historyTtlSeconds } = settings;
  const redis = new RedisConnections(settings.redis, logger);
  const { commands, subscriber } = redis;
  const known = new KnownPositions(historyTtlSeconds);
  const clock = new RedisClock();
  const log = new RoomLog({
    redis: commands,
    clock,
    keysOf: (room) => roomKeys(keyPrefix, room),
    known,
    historyMaxMessages,
    historyTtlSeconds,
    idRetentionSeconds: settings.publishDedupSeconds + onTheWaySeconds,
    ...ofServer,
  });
  return {
    redis,
    known,
    log,
    signals: new SignalChannel({ redis: commands, clock, channelOf: (room) => roomChannel(keyPrefix, room) }),
    clock,
    async open(roles) {
      await redis.open(roles, () => {
        const trials = tryLog(commands, roles === "all" ? subscriber : undefined, keyPrefix);
        // A process without connections has nothing to do with members.
        if (roles === "all") trials.push(...tryPresence(commands, keyPrefix));
        return requirePermissions(trials, keyPrefix);
      });
      try {
        await log.warmUp();
      } catch (error) {
        await redis.close();
        throw error;
      }
    },
  };
}
