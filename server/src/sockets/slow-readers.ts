import type { Logger } from "pino";
import type { Server } from "socket.io";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { type EngineConnection, terminate } from "./engine-connection.ts";

/** What may wait to be sent to one connection before it is taken for too slow. */
const waitingBytesLimit = 8 * 1024 * 1024;
const waitingPacketsLimit = 4_096;
const sweepIntervalMs = 1_000;

interface CutParts {
  readonly logger: Pick<Logger, "warn">;
  readonly telemetry: Pick<Telemetry, "connectionCut">;
}

/** Connections that were cut; Engine.IO hears of it a moment later. */
const cut = new WeakSet<EngineConnection>();

/**
 * Cuts a connection for which too much waits: what waits for one is memory of all. The client comes back by itself and
 * reads what it missed from the log, so nothing is lost. Asked whenever something is added to what waits, because a
 * busy room, or answers to a client that does not read them, can take far more than the limit within a second.
 */
export function cutSlowReader(connection: EngineConnection, waitingBytes: number, parts: CutParts): void {
  if (waitingBytes > waitingBytesLimit) cutNow(connection, waitingBytes, parts);
}

/**
 * Cuts connections for which many packets wait, small as they may be. That is looked at from time to time, because a
 * burst of packets that are read at once is no reason.
 *
 * @returns a function that stops the sweep
 */
export function cutSlowReaders(io: Pick<Server, "engine">, parts: CutParts): () => void {
  const timer = setInterval(() => {
    const { clients } = io.engine as unknown as { readonly clients: Readonly<Record<string, EngineConnection>> };
    for (const connection of Object.values(clients)) {
      if (connection.writeBuffer.length <= waitingPacketsLimit) continue;
      cutNow(connection, connection.transport.socket?.bufferedAmount ?? 0, parts);
    }
  }, sweepIntervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

function cutNow(connection: EngineConnection, waitingBytes: number, { logger, telemetry }: CutParts): void {
  if (cut.has(connection)) return;
  cut.add(connection);
  telemetry.connectionCut("slow reader");
  logger.warn({ waitingBytes, waitingPackets: connection.writeBuffer.length }, "slow reader cut");
  terminate(connection);
}
