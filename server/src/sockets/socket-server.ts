import type { Server as HttpServer } from "node:http";
import { limits } from "@holdfast/client/protocol";
import { Server } from "socket.io";
import type { AdapterFactory } from "../broadcast/adapter.ts";
import { RequestError, toWireError } from "../errors.ts";
import { type AdmitParts, admit } from "./admit.ts";
import { limitConnections, limitsOf } from "./connection-limits.ts";
import { noteOpening } from "./expiry-notice.ts";
import { noteHeard } from "./heard.ts";
import { type AllowedOrigins, originAllowed } from "./origin.ts";
import { PacedWarning } from "./paced-warning.ts";
import { parser } from "./parser.ts";
import type { RoomServer } from "./room-server.ts";
import { connectTimeoutMs, type ServeParts, serve } from "./serve.ts";
import { wholeFrameServer } from "./whole-frame-websocket.ts";

export interface SocketServerOptions extends AdmitParts, ServeParts {
  readonly httpServer: HttpServer;
  /** Where clients connect, `/socket.io/`. */
  readonly path: string;
  readonly adapter: AdapterFactory;
  readonly allowedOrigins: AllowedOrigins;
  /** Frames of at least so many bytes are deflated for clients that offer it; 0 offers it to none. */
  readonly compressFromBytes: number;
}

const pingIntervalMs = 5_000;
const pingTimeoutMs = 5_000;

/** What a log line shows of an origin: a browser's is as long as a host's name at most, a program's as long as a header. */
const shownOriginChars = 256;

/** Opens Socket.IO on the HTTP server: WebSocket only, since without affinity long-polling fails on two instances. */
export function createSocketServer(options: SocketServerOptions): RoomServer {
  const { httpServer, path, adapter, allowedOrigins, compressFromBytes, seats, telemetry, logger } = options;
  const foreignOrigin = new PacedWarning(
    logger,
    "handshake refused: origin not allowed; ALLOWED_ORIGINS has to name it as it stands here",
  );
  const io: RoomServer = new Server(httpServer, {
    path,
    transports: ["websocket"],
    serveClient: false,
    // The owner of the HTTP server refuses other upgrades. Engine.IO leaves some of their connections open for ever.
    destroyUpgrade: false,
    adapter,
    parser,
    maxHttpBufferSize: limits.packetBytes,
    connectTimeout: connectTimeoutMs,
    // A client that fell silent is a member until it is noticed.
    pingInterval: pingIntervalMs,
    pingTimeout: pingTimeoutMs,
    // Engine.IO would compress a broadcast for each of its receivers. The WebSocket server does it once for all.
    perMessageDeflate: false,
    wsEngine: wholeFrameServer(compressFromBytes),
    allowRequest: (request, decide) => {
      noteOpening(request);
      const { origin } = request.headers;
      if (!originAllowed(allowedOrigins, origin)) {
        telemetry.upgradeRefused("origin");
        foreignOrigin.warn({ origin: origin?.slice(0, shownOriginChars) });
        decide("origin not allowed", false);
      } else if (!seats.mayOpen(io.engine.clientsCount)) {
        telemetry.upgradeRefused("connections");
        decide("too many connections", false);
      } else decide(null, true);
    },
  });
  limitConnections(io.engine, { telemetry, logger });
  noteHeard(io.engine);
  io.use((socket, next) => {
    admit(options, socket).then(
      () => next(),
      (error: unknown) => {
        telemetry.refused("handshake", error);
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
