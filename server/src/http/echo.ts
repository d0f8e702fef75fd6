import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { refuseUpgrade } from "./refuse-upgrade.ts";

/** The path of the plain WebSocket that gives back what it gets. */
export const echoPath = "/echo";

/** Anybody may use it, so it is bounded in every direction: it is for looking whether WebSockets arrive. */
const mostConnections = 20;
const longestMs = 60_000;
const largestMessageBytes = 16 * 1024;
/** Messages and pings of one connection. */
const mostFrames = 1_000;
const mostWaitingBytes = 256 * 1024;

export interface EchoParts {
  readonly isOriginAllowed: (origin: string | undefined) => boolean;
  readonly isDraining: () => boolean;
}

/**
 * A plain WebSocket that echoes, for the first test of a deployment: Postman, `wscat` and the platform's own guide speak
 * it, and nothing of Socket.IO is in the way.
 */
export class Echo {
  readonly #parts: EchoParts;
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: largestMessageBytes,
    perMessageDeflate: false,
  });

  constructor(parts: EchoParts) {
    this.#parts = parts;
  }

  /** Takes an upgrade, or refuses it at once. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const { isOriginAllowed, isDraining } = this.#parts;
    const isFull = this.#server.clients.size >= mostConnections;
    if (request.headers.upgrade?.toLowerCase() !== "websocket") refuseUpgrade(socket);
    else if (!isOriginAllowed(request.headers.origin)) refuseUpgrade(socket, "403 Forbidden");
    else if (isDraining() || isFull) refuseUpgrade(socket, "503 Service Unavailable");
    else this.#server.handleUpgrade(request, socket, head, echo);
  }

  /** Says goodbye to those that are connected. */
  close(): void {
    for (const client of this.#server.clients) client.close(1001);
    this.#server.close();
  }
}

function echo(client: WebSocket): void {
  let frames = 0;
  const isTooMuch = () => {
    frames += 1;
    if (frames <= mostFrames && client.bufferedAmount <= mostWaitingBytes) return false;
    client.terminate();
    return true;
  };
  const timer = setTimeout(() => client.close(1000, "an echo lasts a minute"), longestMs).unref();
  client.on("message", (data, isBinary) => {
    if (!isTooMuch()) client.send(data, { binary: isBinary });
  });
  client.on("ping", isTooMuch);
  client.on("pong", isTooMuch);
  // What breaks the protocol ends the connection, and its end is told by `close`.
  client.on("error", () => undefined);
  client.once("close", () => clearTimeout(timer));
}
