import { roomOfAdapterRoom } from "../broadcast/names.ts";
import { noteExpiring } from "../sockets/moves.ts";
import type { RoomServer } from "../sockets/room-server.ts";

/** One of a server's connections, as it is now. */
export interface OpenConnection {
  readonly id: string;
  readonly user: string | null;
  readonly session: string | null;
  readonly rooms: readonly string[];
  /** When its token ends; undefined where it does not, or has none. */
  readonly expiresAtMs: number | undefined;
}

/** How much time a connection has left when it is notified to move. */
const noticeMs = 10_000;

export function openConnections(io: RoomServer): OpenConnection[] {
  return [...io.of("/").sockets.values()].map(({ id, data, rooms }) => ({
    id,
    user: data.standing.user,
    session: data.standing.session,
    rooms: [...rooms].flatMap((name) => roomOfAdapterRoom(name) ?? []),
    expiresAtMs: data.standing.identity.expiresAtMs,
  }));
}

/** Notifies every client as it is notified before a platform cuts its connection at the function's timeout. */
export function announceTimeout(io: RoomServer): void {
  io.local.emit("connection:expiring", { reason: "timeout", deadlineMs: Date.now() + noticeMs });
  for (const socket of io.of("/").sockets.values()) noteExpiring(socket, "timeout");
}

/** Lets the tokens of a user's connections end now: each is told so, and closed when the grace is over. */
export function expireTokensOf(io: RoomServer, user: string): void {
  for (const socket of io.of("/").sockets.values()) {
    const { standing, aging } = socket.data;
    if (standing.user !== user) continue;
    const expiresAtMs = Date.now();
    standing.beginRenewal()({ ...standing.identity, expiresAtMs }, standing.revokedUpToSeconds);
    aging.restart();
    socket.emit("connection:expiring", { reason: "token", deadlineMs: expiresAtMs });
    noteExpiring(socket, "token");
  }
}
