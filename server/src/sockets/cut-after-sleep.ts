import type { Server as HttpServer } from "node:http";
import type { Logger } from "pino";
import type { SleepDetector } from "../clock/sleep-detector.ts";
import type { RoomServer } from "./room-server.ts";

/** The part of Engine.IO's socket that is cut; the WebSocket below it is not in its public types. */
interface EngineSocket {
  readonly transport: { readonly socket?: { terminate(): void } };
}

/**
 * Cuts every WebSocket connection that was open when the process fell asleep. Its client has given it up or will find
 * out now; it comes back by itself, sends again what still matters and reads what it missed from the log.
 */
export function cutAfterSleep(io: RoomServer, httpServer: HttpServer, watch: SleepDetector, logger: Logger): void {
  // The sleep must be noticed before the first connection that arrives after it is opened, or that one would be cut too.
  httpServer.prependListener("upgrade", () => {
    watch.sleeps();
  });
  watch.onWake((sleptMs) => {
    logger.warn(
      { sleptMs, connections: io.engine.clientsCount },
      "this process slept; connections from before are cut",
    );
    cutAll(io);
  });
}

/** Cuts every WebSocket connection without a closing handshake, in which what lies in the buffer would still be read. */
export function cutAll(io: RoomServer): void {
  const { clients } = io.engine as unknown as { readonly clients: Readonly<Record<string, EngineSocket>> };
  for (const { transport } of Object.values(clients)) transport.socket?.terminate();
}
