import type { Server as HttpServer } from "node:http";
import { limits } from "@holdfast/client/protocol";
import { Server } from "socket.io";
import type { createAdapter } from "../broadcast/adapter.ts";
import { RequestError, toWireError } from "../errors.ts";
import { type AdmitParts, admit } from "./admit.ts";
import { limitConnections, limitsOf } from "./connection-limits.ts";
import { noteOpening } from "./expiry-notice.ts";
import { originAllowed } from "./origin.ts";
import { parser } from "./parser.ts";
import type { RoomServer } from "./room-server.ts";
import { connectTimeoutMs, type ServeParts, serve } from "./serve.ts";

export interface SocketServerOptions extends AdmitParts, ServeParts {
  readonly httpServer: HttpServer;
  /** Where clients connect, `/socket.io/`. */
  readonly path: string;
  readonly adapter: ReturnType<typeof createAdapter>;
  readonly allowedOrigins: "any" | readonly string[];
}

/** Opens Socket.IO on the HTTP server: WebSocket only, since without affinity long-polling fails on two instances. */
export function createSocketServer(options: SocketServerOptions): RoomServer {
  const { httpServer, path, adapter, allowedOrigins, logger } = options;
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
    // Compression would forbid encoding a broadcast once for all its receivers.
    perMessageDeflate: false,
    allowRequest: (request, decide) => {
      noteOpening(request);
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
