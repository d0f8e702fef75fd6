import type { Server as HttpServer, IncomingMessage } from "node:http";
import {
  type ClientToServerEvents,
  limits,
  type Position,
  type Sender,
  type ServerToClientEvents,
} from "@holdfast/client/protocol";
import type { Logger } from "pino";
import { type DefaultEventsMap, Server, type Socket } from "socket.io";
import type { Authenticate } from "../application/authentication.ts";
import type { ApplicationHandlers } from "../application/handlers.ts";
import type { createAdapter } from "../broadcast/adapter.ts";
import { adapterRoom, roomOfAdapterRoom } from "../broadcast/names.ts";
import type { Subscriptions } from "../broadcast/subscriptions.ts";
import { elapsedMs, type Moment, momentNow } from "../clock/elapsed.ts";
import { whenElapsed } from "../clock/when-elapsed.ts";
import { RequestError, toWireError } from "../errors.ts";
import { lifetimeMs } from "../platforms/lifetime.ts";
import type { RequestHandlers } from "../requests/table.ts";
import { limitConnections, limitsOf } from "./connection-limits.ts";
import { dispatch } from "./dispatch.ts";
import { noticeDelayMs } from "./expiry-notice.ts";
import { parseHandshake } from "./handshake.ts";
import { socketMembership } from "./membership.ts";
import { originAllowed } from "./origin.ts";
import { parser } from "./parser.ts";

interface SocketData {
  from: Sender;
}

export type RoomServer = Server<ClientToServerEvents, ServerToClientEvents, DefaultEventsMap, SocketData>;
type RoomSocket = Socket<ClientToServerEvents, ServerToClientEvents, DefaultEventsMap, SocketData>;

export interface SocketServerOptions {
  readonly httpServer: HttpServer;
  /** Where clients connect, `/socket.io/`. */
  readonly path: string;
  readonly adapter: ReturnType<typeof createAdapter>;
  readonly handlers: RequestHandlers;
  readonly application: ApplicationHandlers;
  readonly subscriptions: Subscriptions;
  readonly keyPrefix: string;
  readonly authenticate: Authenticate;
  readonly allowedOrigins: "any" | readonly string[];
  readonly functionTimeoutSeconds: number | undefined;
  readonly isDraining: () => boolean;
  /** How many times this process has slept, see `SleepDetector`. */
  readonly sleeps: () => number;
  readonly logger: Logger;
}

/** When the platform's clock for a connection started: at its upgrade request, before Socket.IO's own handshake. */
const openedAt = new WeakMap<IncomingMessage, Moment>();

/** Opens Socket.IO on the HTTP server: WebSocket only, since without affinity long-polling fails on two instances. */
export function createSocketServer(options: SocketServerOptions): RoomServer {
  const { httpServer, path, adapter, allowedOrigins, logger } = options;
  const io: RoomServer = new Server(httpServer, {
    path,
    transports: ["websocket"],
    serveClient: false,
    adapter,
    parser,
    maxHttpBufferSize: limits.packetBytes,
    connectTimeout: connectTimeoutMs,
    // Compression would forbid encoding a broadcast once for all its receivers.
    perMessageDeflate: false,
    allowRequest: (request, decide) => {
      openedAt.set(request, momentNow());
      const { headers } = request;
      const allowed = originAllowed(allowedOrigins, headers.origin, headers.host);
      if (!allowed) logger.warn({ origin: headers.origin }, "handshake refused: origin not allowed");
      decide(allowed ? null : "origin not allowed", allowed);
    },
  });
  limitConnections(io.engine, logger);
  io.use((socket, next) => {
    admit(options, socket).then(
      () => next(),
      (error: unknown) => {
        if (!(error instanceof RequestError)) logger.error({ err: error }, "handshake failed");
        const data = toWireError(error);
        next(Object.assign(new Error(data.message), { data }));
        const connection = limitsOf(socket);
        if (!connection.admission.refuse()) connection.close("too many refusals");
      },
    );
  });
  io.on("connection", (socket) => serve(options, socket));
  return io;
}

/** How long a connection may be open without being in the namespace. */
const connectTimeoutMs = 10_000;

/**
 * A client that a draining instance refused tries again at a random moment within this time. It does not back off
 * further and further: the next attempt may reach another instance, and its old connection will not last.
 */
const drainingRetryMs = 1_000;

async function admit({ isDraining, authenticate }: SocketServerOptions, socket: RoomSocket): Promise<void> {
  // It was closed for what it sent: nothing is verified for it any more.
  if (socket.conn.readyState !== "open") throw new RequestError("UNAVAILABLE", "the connection is closed");
  const { session, token } = parseHandshake(socket.handshake);
  const { headers, query } = socket.handshake;
  const { user } = await authenticate({ token, headers, query });
  // Asked last: who is admitted after the drain has begun would never be told to move.
  if (isDraining()) {
    throw new RequestError("DRAINING", "this instance is going away", Math.ceil(Math.random() * drainingRetryMs));
  }
  socket.data.from = { user, session };
}

function serve(options: SocketServerOptions, socket: RoomSocket): void {
  const { handlers, application, subscriptions, keyPrefix, functionTimeoutSeconds } = options;
  const { from } = socket.data;
  const logger = options.logger.child({ connection: socket.id, session: from.session });
  const membership = socketMembership(socket, subscriptions, keyPrefix);
  // Of the connection, not of this socket, which is another one after each disconnection from the namespace.
  const { limiter, readTokens, pace, outgoing, reads, admission } = limitsOf(socket);
  admission.admit();
  const caller = { from, connection: socket.id, membership, reads };
  const request = { handlers, application, caller, limiter, readTokens, pace, outgoing, logger };
  const sleepsBefore = options.sleeps();
  socket.onAny((event: unknown, ...args: unknown[]) => {
    // A packet that was in the buffer during a sleep is not served: the connection is being cut.
    if (options.sleeps() !== sleepsBefore) return;
    void dispatch(request, event, args);
  });
  socket.on("error", (error: unknown) => {
    // An event of this name that the client sent comes here, too, and has been answered.
    if (error instanceof Error) logger.debug({ reason: error.message }, "packet not understood");
  });

  const lifetime = lifetimeMs(socket.handshake.headers["x-fc-function-timeout"], functionTimeoutSeconds);
  const cancelNotice = lifetime === undefined ? undefined : scheduleNotice(socket, lifetime);
  logger.debug("connection opened");
  socket.on("disconnect", (reason) => {
    cancelNotice?.();
    admission.leave();
    if (reason === "client namespace disconnect") closeUnlessAdmitted(socket);
    logger.debug({ reason }, "connection closed");
  });
}

/** A connection that has left the namespace gets the time that a new one gets. */
function closeUnlessAdmitted(socket: RoomSocket): void {
  const { admission } = limitsOf(socket);
  setTimeout(() => {
    if (!admission.isAdmitted) socket.conn.close();
  }, connectTimeoutMs).unref();
}

function scheduleNotice(socket: RoomSocket, lifetime: number): () => void {
  const opened = openedAt.get(socket.request) ?? momentNow();
  return whenElapsed(opened, noticeDelayMs(lifetime, Math.random()), () => {
    const leftMs = Math.round(lifetime - elapsedMs(opened));
    socket.emit("connection:expiring", { reason: "timeout", deadlineMs: Date.now() + leftMs });
  });
}

/** Rooms that have members on this instance. */
export function localRooms(io: RoomServer): string[] {
  return [...io.of("/").adapter.rooms.keys()].flatMap((name) => roomOfAdapterRoom(name) ?? []);
}

/** Tells the members of a room on this instance, and no other, where its log stands. */
export function tellPosition(io: RoomServer, room: string, position: Position): void {
  io.local.to(adapterRoom(room)).emit("room:position", { room, position });
}
