import type { Logger } from "pino";
import type { RoomServer } from "./socket-server.ts";

/** What may wait to be sent to one connection before it counts as too slow. */
const waitingBytesLimit = 8 * 1024 * 1024;
const waitingPacketsLimit = 4_096;
const sweepIntervalMs = 1_000;

/** The part of Engine.IO's socket that the sweep reads; the WebSocket below it is not in its public types. */
interface EngineSocket {
  readonly writeBuffer: readonly unknown[];
  readonly transport: { readonly socket?: { readonly bufferedAmount: number; terminate(): void } };
}

/**
 * Cuts connections that do not read: what waits for one is memory of all. The client comes back by itself and reads
 * what it missed from the log, so nothing is lost.
 *
 * @returns a function that stops the sweep
 */
export function cutSlowReaders(io: RoomServer, logger: Logger): () => void {
  const timer = setInterval(() => {
    const { clients } = io.engine as unknown as { readonly clients: Readonly<Record<string, EngineSocket>> };
    for (const { writeBuffer, transport } of Object.values(clients)) {
      const waitingBytes = transport.socket?.bufferedAmount ?? 0;
      if (waitingBytes <= waitingBytesLimit && writeBuffer.length <= waitingPacketsLimit) continue;
      logger.warn({ waitingBytes, waitingPackets: writeBuffer.length }, "slow reader cut");
      transport.socket?.terminate();
    }
  }, sweepIntervalMs);
  timer.unref();
  return () => clearInterval(timer);
}
