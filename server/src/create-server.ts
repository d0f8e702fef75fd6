import { randomUUID } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { limits, type Sender } from "@holdfast/client/protocol";
import { getRequestListener } from "@hono/node-server";
import type { Application } from "./application/application.ts";
import { asPino } from "./application/as-pino.ts";
import { createApplicationHandlers } from "./application/handlers.ts";
import { consoleLogger, type Logger } from "./application/logger.ts";
import { contractSchemas } from "./application/schemas.ts";
import type { Server } from "./application/server.ts";
import { createAuthenticator } from "./auth/verify-token.ts";
import { createHealth } from "./http/health.ts";
import { createHttpApp } from "./http/http-app.ts";
import { Listener } from "./http/listen.ts";
import { createPlatformHooks } from "./http/platform-hooks.ts";
import { createRoomApi } from "./http/room-api.ts";
import { chainLinkOf } from "./log/frame.ts";
import { KnownPositions } from "./log/known-positions.ts";
import { PositionChecks } from "./log/position-checks.ts";
import { onTheWaySeconds, RoomLog } from "./log/room-log.ts";
import { createAdapter } from "./redis/adapter.ts";
import { roomChannel, roomOfAdapterRoom, roomOfChannel } from "./redis/keys.ts";
import { openLinks } from "./redis/links.ts";
import { Subscriptions } from "./redis/subscriptions.ts";
import { parsePayload } from "./rooms/parse-payload.ts";
import { readHistory } from "./rooms/read-history.ts";
import { createRequestHandlers } from "./rooms/requests.ts";
import { broadcastSignal } from "./rooms/send-signal.ts";
import { SignalChannel } from "./rooms/signal-channel.ts";
import { configFrom, type Settings } from "./settings.ts";
import { SleepWatch } from "./sleep-watch.ts";
import { cutAfterSleep } from "./sockets/cut-after-sleep.ts";
import { Drain } from "./sockets/drain.ts";
import { stripCredentials } from "./sockets/platform-headers.ts";
import { cutSlowReaders } from "./sockets/slow-readers.ts";
import { createSocketServer, localRooms, type RoomServer, tellPosition } from "./sockets/socket-server.ts";

export interface ServerOptions {
  /** Default: those of the README, with an embedded Valkey. */
  readonly settings?: Settings;
  /** Default: warnings and errors on the console. */
  readonly logger?: Logger;
}

/** Who publishes in the server's own name. */
const nobody: Sender = { user: null, session: null };

/**
 * Puts the parts together and starts listening. This is the only place that picks them. It reads no environment, sets no
 * signal handler and never ends the process; several servers may run in one. Throws a SettingsError, and a sentence with
 * the next step where Redis cannot be used, the port is taken or the contract is no contract.
 */
export async function createServer<C>(application: Application<C>, options: ServerOptions = {}): Promise<Server<C>> {
  return (await assembleServer(application, options)).server;
}

/**
 * The same, with the Socket.IO server, for the test server that does to its connections what a platform does.
 *
 * @internal
 */
export async function assembleServer<C>(
  application: Application<C>,
  options: ServerOptions,
): Promise<{ readonly server: Server<C>; readonly io: RoomServer }> {
  const config = configFrom(options.settings ?? {});
  const applicationLogger = options.logger ?? consoleLogger;
  const logger = asPino(applicationLogger);
  const schemas = contractSchemas(application.contract);
  const { keyPrefix } = config;
  const known = new KnownPositions(config.historyTtlSeconds);
  const hear = (message: Buffer, channel: string) => {
    const link = chainLinkOf(message);
    const room = link === undefined ? undefined : roomOfChannel(keyPrefix, channel);
    if (link !== undefined && room !== undefined && !known.hear(room, link)) positions.checkSoon(room);
  };
  const links = await openLinks(config.redis, logger, keyPrefix, (link) => {
    return new Subscriptions({
      link,
      logger,
      onMessage: (message, channel) => hear(message, channel),
    });
  });
  const { commands, subscriptions } = links;
  const log = new RoomLog({
    ...config,
    idRetentionSeconds: config.publishDedupSeconds + onTheWaySeconds,
    link: commands,
    known,
  });
  await log.warmUp();

  const signals = new SignalChannel(commands, keyPrefix);
  const context = {
    logger: applicationLogger,
    get server() {
      return server;
    },
  };
  const handlers = createApplicationHandlers({ application, schemas, log, context });
  const httpServer = createHttpServer();
  const watch = new SleepWatch(limits.acknowledgementTimeoutMs);
  const http = createHttpApp({
    health: createHealth({ isDraining: () => drain.isUnderWay, isRedisUp: () => links.areUp }),
    roomApi:
      config.production && config.adminToken === undefined
        ? undefined
        : createRoomApi({
            log,
            application: handlers,
            bearerToken: config.adminToken,
            sinceWakeMs: config.onPlatform ? undefined : () => watch.sinceWakeMs(),
          }),
    platformHooks: config.onPlatform
      ? createPlatformHooks({
          initialize: () => {
            drain.resume();
            return log.warmUp();
          },
          preStop: () => drain.pause(),
        })
      : undefined,
    page: config.production ? undefined : application.page,
    logger,
  });
  // Before Socket.IO, which then passes on only what is not its own.
  httpServer.on("request", getRequestListener(http.fetch));
  const io = createSocketServer({
    ...config,
    httpServer,
    adapter: createAdapter(commands, subscriptions, keyPrefix),
    handlers: createRequestHandlers({ log, known, signals, schemas, application: handlers }),
    application: handlers,
    subscriptions,
    authenticate: createAuthenticator(config.auth),
    isDraining: () => drain.isUnderWay,
    sleeps: () => watch.sleeps(),
    logger,
  });
  cutAfterSleep(io, httpServer, watch, logger);
  stripCredentials(httpServer);
  const listener = new Listener(httpServer);
  const drain = new Drain(io, config.drainSeconds * 1000);
  const positions = new PositionChecks({
    log,
    known,
    logger,
    resubscribe: (room) => subscriptions.resubscribe(roomChannel(keyPrefix, room)),
    localRooms: () => localRooms(io),
    tellMembers: (room, position) => tellPosition(io, room, position),
    historyTtlSeconds: config.historyTtlSeconds,
  });
  // Not before there are rooms to tell: a cluster's links come up one by one, from the first moment on.
  subscriptions.onRestored = () => positions.announceAll();
  io.of("/").adapter.on("delete-room", (name: string) => known.leave(roomOfAdapterRoom(name) ?? ""));
  const stopSweep = cutSlowReaders(io, logger);

  const stopWatching = () => {
    positions.stop();
    stopSweep();
    watch.stop();
  };

  const port = await listener.listen(config.port).catch(async (error: unknown) => {
    stopWatching();
    await links.close();
    throw error;
  });

  const { name, version, embedded } = links.backend;
  const server: Server<C> = {
    port,
    url: `http://localhost:${port}`,
    backend: `${embedded ? "embedded " : ""}${name} ${version}`,
    publish: (room, event, data, { id = randomUUID(), user = null } = {}) =>
      handlers.publishTrusted({ user, session: null }, parsePayload("message:publish", { room, id, event, data })),
    signal: (room, event, data) =>
      broadcastSignal({ signals, schemas }, nobody, parsePayload("signal:send", { room, event, data })),
    history: async (room, range) => readHistory(log, parsePayload("history:read", { room, ...range })),
    fetch: async (request) => http.fetch(request),
    close: async ({ drainSeconds = config.drainSeconds } = {}) => {
      const clients = io.engine.clientsCount;
      if (clients > 0) logger.info({ clients, drainSeconds }, "moving clients; a second SIGINT ends at once");
      const deadlineMs = performance.now() + drainSeconds * 1000;
      listener.goAway();
      await drain.finish();
      stopWatching();
      await listener.close(() => io.close(), deadlineMs);
      await links.close();
    },
  };
  return { server, io };
}
