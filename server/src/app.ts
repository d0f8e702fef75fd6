import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import type { Logger } from "pino";
import { createAuthenticator } from "./auth/verify-token.ts";
import type { Config } from "./config.ts";
import { createDemoPage } from "./http/demo-page.ts";
import { createHealth } from "./http/health.ts";
import { createHttpApp } from "./http/http-app.ts";
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
import { Drain } from "./sockets/drain.ts";
import { stripCredentials } from "./sockets/platform-headers.ts";
import { cutSlowReaders } from "./sockets/slow-readers.ts";
import { createSocketServer, localRooms, tellPosition } from "./sockets/socket-server.ts";

export interface App {
  readonly port: number;
  readonly backend: Backend & { readonly embedded: boolean };
  /** Tells the clients to move, waits for them up to the drain time, then closes everything, backends last. */
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
  const openSockets = trackSockets(httpServer);
  const http = createHttpApp({
    health: createHealth({ isDraining: () => drain.isUnderWay, isRedisUp: () => links.areUp }),
    roomApi:
      config.production && config.adminToken === undefined
        ? undefined
        : createRoomApi({ log, bearerToken: config.adminToken }),
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
    logger,
  });
  stripCredentials(httpServer);
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

  const port = await listen(httpServer, config.port).catch(async (error: unknown) => {
    positions.stop();
    stopSweep();
    await links.close();
    throw isPortTaken(error)
      ? new Error(`port ${config.port} is taken. Stop what listens there, or name another one in PORT.`, {
          cause: error,
        })
      : error;
  });

  return {
    port,
    backend: links.backend,
    close: async () => {
      const clients = io.engine.clientsCount;
      if (clients > 0)
        logger.info({ clients, drainSeconds: config.drainSeconds }, "moving clients; a second signal ends at once");
      await drain.finish();
      positions.stop();
      stopSweep();
      const closed = io.close();
      // Also those that never sent a whole request, and would keep the server open.
      httpServer.closeAllConnections();
      // A client that has fallen silent does not answer the closing of its WebSocket, which would wait for it.
      const cut = setTimeout(() => {
        for (const socket of openSockets) socket.destroy();
      }, silentClientMs);
      await closed;
      clearTimeout(cut);
      for (const socket of openSockets) socket.destroy();
      await links.close();
    },
  };
}

/** How long the end of the server waits for clients to answer the closing of their WebSockets. */
const silentClientMs = 500;

/** The connections of a server that are open at any time, those of WebSockets included. */
function trackSockets(server: HttpServer): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return sockets;
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}

/**
 * The gateway keeps connections for reuse, and a POST on one that the server has just closed fails with 502: so the
 * server never closes an idle one first.
 */
const keepAliveTimeoutMs = 20 * 60_000;

async function listen(server: HttpServer, port: number): Promise<number> {
  server.keepAliveTimeout = keepAliveTimeoutMs;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "0.0.0.0", () => {
      server.off("error", reject);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}
