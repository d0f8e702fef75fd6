import { randomUUID } from "node:crypto";
import { createServer as createHttpServer } from "node:http";
import { limits, type Sender } from "@holdfast/client/protocol";
import { getRequestListener } from "@hono/node-server";
import type { Application, Routes } from "./application/application.ts";
import { asPino } from "./application/as-pino.ts";
import { createAuthenticate } from "./application/authentication.ts";
import { createApplicationHandlers } from "./application/handlers.ts";
import { consoleLogger, type Logger } from "./application/logger.ts";
import { contractSchemas } from "./application/schemas.ts";
import type { Server } from "./application/server.ts";
import { createTokenVerifier } from "./auth/verify-token.ts";
import { createAdapter } from "./broadcast/adapter.ts";
import { chainLinkOf } from "./broadcast/frame.ts";
import { roomChannel, roomOfAdapterRoom, roomOfChannel } from "./broadcast/names.ts";
import { SignalChannel } from "./broadcast/signal-channel.ts";
import { Subscriptions } from "./broadcast/subscriptions.ts";
import { SleepDetector } from "./clock/sleep-detector.ts";
import { createHealth } from "./http/health.ts";
import { HostAttachment, type HostServer } from "./http/host-attachment.ts";
import { createHttpApp } from "./http/http-app.ts";
import { OwnServer } from "./http/own-server.ts";
import { createRoomApi } from "./http/room-api.ts";
import { KnownPositions } from "./log/known-positions.ts";
import { requirePermissions } from "./log/permissions.ts";
import { PositionChecks } from "./log/position-checks.ts";
import { onTheWaySeconds, RoomLog } from "./log/room-log.ts";
import { parsePayload } from "./parse.ts";
import { stripCredentials, withoutCredentials } from "./platforms/credentials.ts";
import { createPlatformHooks } from "./platforms/hooks.ts";
import { RedisConnections } from "./redis/connections.ts";
import { readHistory } from "./requests/read-history.ts";
import { broadcastSignal } from "./requests/send-signal.ts";
import { createRequestHandlers } from "./requests/table.ts";
import { configFrom, type Settings } from "./settings.ts";
import { cutAfterSleep } from "./sockets/cut-after-sleep.ts";
import { Drain } from "./sockets/drain.ts";
import { cutSlowReaders } from "./sockets/slow-readers.ts";
import { createSocketServer, localRooms, type RoomServer, tellPosition } from "./sockets/socket-server.ts";

export interface ServerOptions {
  /** Default: those of the README, with an embedded Valkey. */
  readonly settings?: Settings;
  /** Default: warnings and errors on the console. */
  readonly logger?: Logger;
  /**
   * A host's server: instead of listening, this one takes the WebSocket upgrades at `path` from it, and nothing else.
   * Requests, other upgrades, time-outs and closing stay the host's; mount `fetch` or `nodeListener` for the HTTP routes.
   */
  readonly httpServer?: HostServer;
  /** Where clients connect. Default `/socket.io/`; a client names another one as `socket: { path }`. */
  readonly path?: string;
}

/** Who publishes in the server's own name. */
const nobody: Sender = { user: null, session: null };

/**
 * Puts the parts together and starts listening. This is the only place that picks them. It reads no environment, sets no
 * signal handler and never ends the process; several servers may run in one. Throws a SettingsError, and a sentence with
 * the next step where Redis cannot be used, the port or the path is taken or the contract is no contract.
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
  const config = configFrom(options.settings ?? {}, application);
  const applicationLogger = options.logger ?? consoleLogger;
  const logger = asPino(applicationLogger);
  const schemas = contractSchemas(application.contract);
  const { keyPrefix } = config;
  const path = `/${(options.path ?? "socket.io").replace(/^\/+|\/+$/g, "")}/`;
  const known = new KnownPositions(config.historyTtlSeconds);
  const hear = (message: Buffer, channel: string) => {
    const link = chainLinkOf(message);
    const room = link === undefined ? undefined : roomOfChannel(keyPrefix, channel);
    if (link !== undefined && room !== undefined && !known.hear(room, link)) positions.checkSoon(room);
  };
  const redis = new RedisConnections(config.redis, logger);
  const { commands } = redis;
  const subscriptions = new Subscriptions({ link: redis.subscriber, logger, onMessage: hear });
  const backend = await redis.open("all", () => requirePermissions(commands, redis.subscriber, keyPrefix));
  const log = new RoomLog({
    ...config,
    idRetentionSeconds: config.publishDedupSeconds + onTheWaySeconds,
    link: commands,
    known,
  });
  await log.warmUp().catch(async (error: unknown) => {
    await redis.close();
    throw error;
  });

  const signals = new SignalChannel(commands, keyPrefix);
  const context = {
    logger: applicationLogger,
    get server() {
      return server;
    },
  };
  const handlers = createApplicationHandlers({ application, schemas, log, context });
  // Where a host listens it has no connections of its own, and gets the upgrades that are taken from the host.
  const httpServer = createHttpServer();
  /** Is there before the first request. */
  let routes: Routes;
  const watch = new SleepDetector(limits.acknowledgementTimeoutMs);
  const http = createHttpApp({
    health: createHealth({ isDraining: () => drain.isUnderWay, isRedisUp: () => redis.areUp }),
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
    routes: application.routes === undefined ? undefined : { fetch: (request) => routes.fetch(request) },
    page: config.production ? undefined : application.page,
    logger,
  });
  // Before Socket.IO, which then passes on only what is not its own.
  const answer = getRequestListener(http.fetch, { overrideGlobalObjects: false });
  httpServer.on("request", answer);
  const io = createSocketServer({
    ...config,
    httpServer,
    path,
    adapter: createAdapter(commands, subscriptions, keyPrefix),
    handlers: createRequestHandlers({ log, known, signals, schemas, application: handlers }),
    application: handlers,
    subscriptions,
    authenticate: createAuthenticate(application, context, createTokenVerifier(config.auth, logger)),
    isDraining: () => drain.isUnderWay,
    sleeps: () => watch.sleeps(),
    logger,
  });
  cutAfterSleep(io, httpServer, watch, logger);
  stripCredentials(httpServer);
  const door =
    options.httpServer === undefined
      ? new OwnServer(httpServer, config.port)
      : new HostAttachment(options.httpServer, path, (...upgrade) => httpServer.emit("upgrade", ...upgrade));
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

  const close = async (drainSeconds: number) => {
    const clients = io.engine.clientsCount;
    if (clients > 0) logger.info({ clients, drainSeconds }, "moving clients; a second SIGINT ends at once");
    const deadlineMs = performance.now() + drainSeconds * 1000;
    door.goAway();
    await drain.finish();
    stopWatching();
    await door.close(() => io.close(), deadlineMs);
    await redis.close();
  };

  let closed: Promise<void> | undefined;
  const server: Server<C> = {
    get port() {
      return door.port;
    },
    get url() {
      return `http://localhost:${door.port}`;
    },
    backend,
    publish: async (room, event, data, { id = randomUUID(), user = null } = {}) =>
      handlers.publishTrusted({ user, session: null }, parsePayload("message:publish", { room, id, event, data })),
    signal: async (room, event, data) =>
      broadcastSignal({ signals, schemas }, nobody, parsePayload("signal:send", { room, event, data })),
    history: async (room, range) => readHistory(log, parsePayload("history:read", { room, ...range })),
    fetch: async (request) => http.fetch(request),
    nodeListener: (request, response) => void answer(withoutCredentials(request), response),
    close: ({ drainSeconds = config.drainSeconds } = {}) => {
      closed ??= close(drainSeconds);
      return closed;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
  try {
    if (application.routes !== undefined) routes = application.routes(server);
    await door.listen();
  } catch (error) {
    stopWatching();
    await redis.close();
    throw error;
  }
  return { server, io };
}
