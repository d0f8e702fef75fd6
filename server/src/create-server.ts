import { createServer as createHttpServer, type IncomingMessage } from "node:http";
import { limits } from "@holdfast/client/protocol";
import { getRequestListener } from "@hono/node-server";
import type { Application, Routes } from "./application/application.ts";
import { asPino } from "./application/as-pino.ts";
import { createBeforePublish } from "./application/before-publish.ts";
import { consoleLogger, type Logger } from "./application/logger.ts";
import { createOwnRequests } from "./application/own-requests.ts";
import { createPublishedHook } from "./application/published-hook.ts";
import { contractSchemas } from "./application/schemas.ts";
import type { Server } from "./application/server.ts";
import { createToldMembers } from "./application/told-members.ts";
import { Availability } from "./availability.ts";
import { createAdapter } from "./broadcast/adapter.ts";
import { ControlChannel } from "./broadcast/control-channel.ts";
import { roomChannel, roomOfChannel } from "./broadcast/names.ts";
import { signalWithinMs } from "./broadcast/signal-channel.ts";
import { deliverSignals } from "./broadcast/signal-delivery.ts";
import { Subscriptions } from "./broadcast/subscriptions.ts";
import { SleepDetector, tickIntervalMs } from "./clock/sleep-detector.ts";
import { createIdentity } from "./create-identity.ts";
import { createMetrics } from "./create-metrics.ts";
import { httpAccess } from "./http/access.ts";
import { createAdminApi } from "./http/admin-api.ts";
import { createCallerOf } from "./http/bearer.ts";
import { Echo } from "./http/echo.ts";
import { createHealth } from "./http/health.ts";
import { HostAttachment, type HostServer } from "./http/host-attachment.ts";
import { createHttpApp } from "./http/http-app.ts";
import { OwnServer } from "./http/own-server.ts";
import { createRoomApi } from "./http/room-api.ts";
import { batchPauseMs } from "./log/batch-pause.ts";
import { PositionChecks } from "./log/position-checks.ts";
import { stripCredentials, withoutCredentials } from "./platforms/credentials.ts";
import { cameThroughTrigger, createPlatformHooks } from "./platforms/hooks.ts";
import { createPreStop } from "./platforms/pre-stop.ts";
import { createPresence } from "./presence/create-presence.ts";
import { tellAll } from "./presence/listener.ts";
import { Pulse } from "./pulse/pulse.ts";
import { createRequests } from "./requests/carry-out.ts";
import { trustedSide } from "./requests/trusted-side.ts";
import { UserLimits } from "./requests/user-limits.ts";
import { Moves } from "./rollout/moves.ts";
import { Rollout } from "./rollout/rollout.ts";
import { createRooms } from "./rooms.ts";
import { configFrom, type Settings } from "./settings.ts";
import { cutAfterSleep } from "./sockets/cut-after-sleep.ts";
import { directDelivery } from "./sockets/direct-delivery.ts";
import { Drain } from "./sockets/drain.ts";
import { cutConnection, pingAll } from "./sockets/heard.ts";
import { noteDeliveries } from "./sockets/note-deliveries.ts";
import { Orders } from "./sockets/orders.ts";
import { originAllowed } from "./sockets/origin.ts";
import {
  localMembers,
  localRooms,
  onRoomEmpty,
  type RoomServer,
  tellMembers,
  tellPosition,
} from "./sockets/room-server.ts";
import { Seats } from "./sockets/seats.ts";
import { slowReadersIn } from "./sockets/signal-readers.ts";
import { cutSlowReaders } from "./sockets/slow-readers.ts";
import { createSocketServer } from "./sockets/socket-server.ts";
import { Telemetry } from "./telemetry/telemetry.ts";
import { UnderWay } from "./telemetry/under-way.ts";

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

/**
 * Puts the parts together and starts listening. This is the only place that picks them. It reads no environment, sets no
 * signal handler and never ends the process; several servers may run in one. Throws a SettingsError, and a sentence with
 * the next step where Redis cannot be used, the port or the path is taken, or the contract is not valid.
 */
export async function createServer<C>(application: Application<C>, options: ServerOptions = {}): Promise<Server<C>> {
  return (await assembleServer(application, options)).server;
}

/** Times that a test shortens; each has its default where it is used. */
export interface Periods {
  readonly sweepEveryMs?: number;
  readonly keepAnswersMs?: number;
}

/**
 * The same, with the Socket.IO server, for the test server that does to its connections what a platform does.
 *
 * @internal
 */
export async function assembleServer<C>(
  application: Application<C>,
  options: ServerOptions,
  { sweepEveryMs, keepAnswersMs }: Periods = {},
): Promise<{ readonly server: Server<C>; readonly io: RoomServer }> {
  const config = configFrom(options.settings ?? {}, application);
  const { platform } = config.surroundings;
  const applicationLogger = options.logger ?? consoleLogger;
  const logger = asPino(applicationLogger);
  const schemas = contractSchemas(application.contract);
  const path = `/${(options.path ?? "socket.io").replace(/^\/+|\/+$/g, "")}/`;

  const telemetry = new Telemetry(() => server);
  const rooms = createRooms(config, logger, {
    telemetry,
    batchPauseMs: (room) => batchPauseMs(config.batchDelayMs, localMembers(io, room)),
  });
  const { redis, known, log, signals, clock } = rooms;
  const subscriptions = new Subscriptions(redis.subscriber, logger);
  const channelOf = (room: string) => roomChannel(config.keyPrefix, room);
  const availability = new Availability(() => redis.areUp, config.drainSeconds * 1000);
  const sleepDetector = new SleepDetector(limits.acknowledgementTimeoutMs);
  /** Notices what is no sleep for requests that are answered, and too long for signals. */
  const stallDetector = new SleepDetector(signalWithinMs + tickIntervalMs);

  const context = {
    logger: applicationLogger,
    get server() {
      return server;
    },
  };
  const hooks = {
    beforePublish: createBeforePublish(application, context),
    onStored: createPublishedHook(application, context),
    ownRequests: createOwnRequests(application, schemas, context),
  };
  const presence = createPresence(config, {
    commands: redis.commands,
    subscriptions,
    tell: (room, connections, notice) => tellMembers(io, room, connections, notice),
    pingAll: () => pingAll(io),
    cut: (connection) => cutConnection(io, connection),
    listener: tellAll(createToldMembers(application, context), telemetry.members),
    logger,
  });
  const requests = createRequests({
    log,
    known,
    signals,
    schemas,
    hooks,
    presence,
    userLimits: new UserLimits(config),
    sinceStallMs: () => stallDetector.sinceWakeMs(),
    telemetry,
  });

  const { identify, revocations, hasUsers, asksApplication } = createIdentity({
    application,
    context,
    config,
    commands: redis.commands,
    logger,
    keepAnswersMs,
  });
  const rollout = new Rollout({
    build: config.build,
    moves: new Moves(redis.commands, config.keyPrefix, config.redis.kind !== "cluster"),
    tell: (order) => control.tell(order),
    logger,
  });

  // Where a host listens it has no connections of its own, and gets the upgrades that are taken from the host.
  const httpServer = createHttpServer();
  const underWay = new UnderWay(httpServer);
  const answer = underWay.counting(
    getRequestListener((request, env) => http.fetch(request, env), { overrideGlobalObjects: false }),
  );
  // Before Socket.IO, which then passes on only what is not its own.
  httpServer.on("request", answer);
  const seats = new Seats(config);
  const io = createSocketServer({
    httpServer,
    path,
    adapter: createAdapter({
      commands: redis.commands,
      subscriptions,
      keyPrefix: config.keyPrefix,
      deliver: directDelivery(config.compressFromBytes),
    }),
    compressFromBytes: config.compressFromBytes,
    allowedOrigins: config.allowedOrigins,
    identify,
    revocations,
    availability,
    rollout,
    seats,
    requests,
    presence,
    confirmed: (room) => subscriptions.confirmed(channelOf(room)),
    surroundings: config.surroundings,
    sleeps: () => sleepDetector.sleeps(),
    telemetry,
    logger,
  });
  const drain = new Drain(io, config.drainSeconds * 1000, rollout);
  cutAfterSleep(io, httpServer, sleepDetector, logger);
  stripCredentials(httpServer);
  const echo = new Echo({
    isOriginAllowed: (origin) => originAllowed(config.allowedOrigins, origin),
    isDraining: () => availability.isDraining,
  });
  const door =
    options.httpServer === undefined
      ? new OwnServer(httpServer, config.port, path, echo)
      : new HostAttachment(options.httpServer, path, (...upgrade) => httpServer.emit("upgrade", ...upgrade));

  const { onBroadcast, ...signalNotes } = noteDeliveries({ io, clock, telemetry });
  const positions = new PositionChecks({
    log,
    known,
    onBroadcast,
    riderOf: presence.checkRiderOf,
    logger,
    resubscribe: (room) => subscriptions.resubscribe(channelOf(room)),
    localRooms: () => localRooms(io),
    tellMembers: (room, position) => tellPosition(io, room, position),
    historyTtlSeconds: config.historyTtlSeconds,
  });
  subscriptions.onMessage((frame, channel) => {
    const room = roomOfChannel(config.keyPrefix, channel);
    if (room !== undefined) positions.receive(room, frame);
  });
  const deliver = deliverSignals({
    clock,
    slowReadersIn: (room) => slowReadersIn(io, room),
    ...signalNotes,
  });
  subscriptions.filter((frame, channel) => {
    const room = roomOfChannel(config.keyPrefix, channel);
    return room === undefined ? frame : deliver(room, frame);
  });
  const orders = new Orders({
    io,
    revocations,
    asksApplication,
    ...(sweepEveryMs === undefined ? {} : { sweepEveryMs }),
    logger,
  });
  const control = new ControlChannel({
    commands: redis.commands,
    subscriptions,
    keyPrefix: config.keyPrefix,
    onOrder: (order) => {
      if ("pulseForMs" in order) pulse.hear(order);
      else if ("serving" in order || "leaving" in order) rollout.hear(order);
      else orders.carryOut(order);
    },
    onMissed: () => orders.catchUp(),
    logger,
  });
  subscriptions.onRestored(() => {
    positions.announceAll();
    presence.restored();
    orders.catchUp();
    void rollout.announce();
  });
  onRoomEmpty(io, (room) => known.leave(room));
  const stopSweep = cutSlowReaders(io, { telemetry, logger });
  const access = httpAccess(config, hasUsers);
  const metrics = createMetrics({ telemetry, access, io, seats, presence, log, redis, availability, underWay });
  const pulse = new Pulse({
    metrics,
    commands: redis.commands,
    subscriptions,
    keyPrefix: config.keyPrefix,
    tell: (order) => control.tell(order),
    name: logger.bindings().instance,
  });

  const hasHooks = platform.stop === "GET /pre-stop";
  const preStop = createPreStop({
    availability,
    hasClients: () => drain.hasClients,
    moveClients: () => drain.run(),
  });
  // Before Socket.IO and the routes, so that whoever shows that the instance lives on is served.
  for (const event of hasHooks ? ["upgrade", "request"] : []) {
    httpServer.prependListener(event, ({ headers }: IncomingMessage) => {
      if (cameThroughTrigger(headers["x-fc-control-path"])) preStop.arrived();
    });
  }

  /** Is there before the first request. */
  let routes: Routes;
  const http = createHttpApp({
    health: createHealth(availability),
    roomApi: !access.hasRoomApi
      ? undefined
      : createRoomApi({
          requests,
          callerOf: createCallerOf({
            adminToken: config.adminToken,
            isOpen: access.isOpen,
            identify: hasUsers ? identify : undefined,
          }),
          sinceWakeMs: platform.pausesBetweenRequests ? undefined : () => sleepDetector.sinceWakeMs(),
          sinceStallMs: platform.pausesBetweenRequests ? undefined : () => stallDetector.sinceWakeMs(),
        }),
    adminApi: !access.hasAdminApi
      ? undefined
      : createAdminApi({
          adminToken: config.adminToken,
          isOpen: access.isOpen,
          disconnectUser: (user) => server.disconnectUser(user),
          clearRoom: (room) => log.clear(room),
          metrics: () => metrics.read(),
          pulse,
        }),
    platformHooks: hasHooks
      ? createPlatformHooks({
          initialize: () => {
            availability.resume();
            return log.warmUp();
          },
          preStop: preStop.run,
        })
      : undefined,
    mayBeAsynchronous: hasHooks,
    routes: application.routes === undefined ? undefined : { fetch: (request) => routes.fetch(request) },
    page: config.production ? undefined : application.page,
    telemetry,
    logger,
  });

  const stopWatching = () => {
    positions.stop();
    orders.stop();
    control.stop();
    stopSweep();
    pulse.stop();
    metrics.stop();
    sleepDetector.stop();
    stallDetector.stop();
  };

  const close = async (drainSeconds: number) => {
    const clients = io.engine.clientsCount;
    if (clients > 0) logger.info({ clients, drainSeconds }, "moving clients; a second SIGINT ends at once");
    const deadlineMs = performance.now() + drainSeconds * 1000;
    door.goAway();
    availability.goAway();
    void rollout.leave();
    await drain.run(drainSeconds * 1000);
    stopWatching();
    await presence.end();
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
    get backend() {
      return redis.backend;
    },
    ...trustedSide<C>(requests),
    recheck: (user, room) => control.tell({ recheck: user, room }),
    async disconnectUser(user) {
      let upToSeconds = revocations.nowSeconds();
      // Here at once, and told to the others whether Redis takes the write or not: a full one still passes orders on.
      orders.carryOut({ revoked: user, upToSeconds });
      try {
        upToSeconds = await revocations.revoke(user, upToSeconds);
      } finally {
        await control.tell({ revoked: user, upToSeconds });
      }
    },
    metrics: async () => (await metrics.read()).body,
    fetch: async (request) => http.fetch(request),
    nodeListener: (request, response) => void answer(withoutCredentials(request), response),
    close: ({ drainSeconds = config.drainSeconds } = {}) => {
      closed ??= close(drainSeconds);
      return closed;
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
  try {
    await rooms.open("all");
    if (application.routes !== undefined) routes = application.routes(server);
    await door.listen();
    void rollout.announce();
  } catch (error) {
    stopWatching();
    await presence.end();
    await redis.close();
    throw error;
  }
  return { server, io };
}
