import { limitsOf } from "./connection-limits.ts";
import type { RoomServer } from "./room-server.ts";
import { isSlow } from "./signal-readers.ts";

/** What an instance's connections are like now, as the metrics tell it. */
export interface Readers {
  /** Sessions that have at least one connection here. */
  readonly sessions: number;
  /** Connections that are too slow for signals. */
  readonly slow: number;
  /** What waits to be sent to all of them. */
  readonly waitingBytes: number;
}

/** Looks at every connection: it is for whoever asks now and then. */
export function readersOf(io: RoomServer): Readers {
  const sessions = new Set<string>();
  let slow = 0;
  let waitingBytes = 0;
  for (const socket of io.of("/").sockets.values()) {
    const { session } = socket.data.standing;
    sessions.add(session ?? socket.id);
    if (isSlow(socket)) slow += 1;
    waitingBytes += limitsOf(socket).outgoing.waitingBytes;
  }
  return { sessions: sessions.size, slow, waitingBytes };
}
