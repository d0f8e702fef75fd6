import { createServer } from "node:http";
import { limits } from "@holdfast/client/protocol";
import { getRequestListener } from "@hono/node-server";
import type { Logger } from "pino";
import { createAuthenticator } from "./auth/verify-token.ts";
import type { Config } from "./config.ts";
import { createDemoPage } from "./http/demo-page.ts";
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
import type { Backend } from "./redis/version.ts";
import { createRequestHandlers } from "./rooms/requests.ts";
import { SignalChannel } from "./rooms/signal-channel.ts";
import { SleepWatch } from "./sleep-watch.ts";
import { cutAfterSleep } from "./sockets/cut-after-sleep.ts";
import { Drain } from "./sockets/drain.ts";
import { stripCredentials } from "./sockets/platform-headers.ts";
import { cutSlowReaders } from "./sockets/slow-readers.ts";
import { createSocketServer, localRooms, tellPosition } from "./sockets/socket-server.ts";

export interface App {
  readonly port: number;
  readonly backend: Backend & { readonly embedded: boolean };
  /**
   * Tells the clients to move, waits for them and for HTTP requests up to the drain time, then closes everything,
   * backends last.
   */
  close(): Promise<void>;
}

/** Puts the parts together and starts listening. This is the only place that picks them. */
export async function startApp(config: Config, logger: Logger): Promise<App> {
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

  const httpServer = createServer();
  const watch = new SleepWatch(limits.acknowledgementTimeoutMs);
  const http = createHttpApp({
    health: createHealth({ isDraining: () => drain.isUnderWay, isRedisUp: () => links.areUp }),
    roomApi:
      config.production && config.adminToken === undefined
        ? undefined
        : createRoomApi({
            log,
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
    demoPage: config.production ? undefined : createDemoPage(),
    logger,
  });
  // Before Socket.IO, which then passes on only what is not its own.
  httpServer.on("request", getRequestListener(http.fetch));
  const io = createSocketServer({
    ...config,
    httpServer,
    adapter: createAdapter(commands, subscriptions, keyPrefix),
    handlers: createRequestHandlers({ log, known, signals: new SignalChannel(commands, keyPrefix) }),
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

  return {
    port,
    backend: links.backend,
    close: async () => {
      const clients = io.engine.clientsCount;
      if (clients > 0)
        logger.info({ clients, drainSeconds: config.drainSeconds }, "moving clients; a second SIGINT ends at once");
      const deadlineMs = performance.now() + config.drainSeconds * 1000;
      listener.goAway();
      await drain.finish();
      stopWatching();
      await listener.close(() => io.close(), deadlineMs);
      await links.close();
    },
  };
}
