import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";

/**
 * Answers an upgrade that nobody takes, and closes its connection. To end the sending half would not do: nobody reads from
 * a connection that was to be upgraded, so the end of its client would never be noticed, and it would stay for ever.
 */
export function refuseUpgrade(socket: Duplex, status = "404 Not Found"): void {
  socket.on("error", () => undefined);
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}

/** The path of a request, without its query. */
export function pathOf({ url = "" }: IncomingMessage): string {
  return url.split("?", 1)[0] ?? "";
}
