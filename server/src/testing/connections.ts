import { roomOfAdapterRoom } from "../broadcast/names.ts";
import type { RoomServer } from "../sockets/room-server.ts";

/** One of a server's connections, as it is now. */
export interface OpenConnection {
  readonly id: string;
  readonly user: string | null;
  readonly session: string | null;
  readonly rooms: readonly string[];
  /** Changes when the connection is given another token. */
  readonly expiresAtMs: number | undefined;
}

/** How much time a connection has left when it is told to move. */
const noticeMs = 10_000;

export function openConnections(io: RoomServer): OpenConnection[] {
  return [...io.of("/").sockets.values()].map(({ id, data, rooms }) => ({
    id,
    user: data.identity.user,
    session: data.identity.session,
    rooms: [...rooms].flatMap((name) => roomOfAdapterRoom(name) ?? []),
    expiresAtMs: data.identity.identity.expiresAtMs,
  }));
}

/** Tells every client what it is told before a platform cuts its connection at the function's timeout. */
export function announceTimeout(io: RoomServer): void {
  io.local.emit("connection:expiring", { reason: "timeout", deadlineMs: Date.now() + noticeMs });
}

/** Lets the tokens of a user's connections end now: each is told so, and closed when the grace is over. */
export function expireTokensOf(io: RoomServer, user: string): void {
  for (const { data } of io.of("/").sockets.values()) {
    if (data.identity?.user !== user) continue;
    data.identity.renew({ ...data.identity.identity, expiresAtMs: Date.now() });
    data.aging.restart();
  }
}
