import type { Server } from "socket.io";
import { type Moment, momentNow } from "../clock/elapsed.ts";
import type { EngineConnection } from "./engine-connection.ts";
import type { RoomServer } from "./room-server.ts";

const heardAt = new WeakMap<object, Moment>();

/** Takes note of when each connection of a server was heard last: every packet is a sign of life, an answer to a ping too. */
export function noteHeard(engine: Server["engine"]): void {
  engine.on("connection", (connection: EngineConnection) => {
    heardAt.set(connection, momentNow());
    connection.on("packet", () => heardAt.set(connection, momentNow()));
  });
}

/** When the connection of a Socket.IO socket was heard last. */
export function lastHeard({ conn }: { readonly conn: object }): Moment {
  return heardAt.get(conn) ?? momentNow();
}

/** Asks every connection for a sign of life. */
export function pingAll(io: RoomServer): void {
  for (const { conn } of io.of("/").sockets.values()) {
    (conn as unknown as EngineConnection).sendPacket("ping");
  }
}

/** Cuts a connection without a closing handshake: its client comes back if it lives. */
export function cutConnection(io: RoomServer, id: string): void {
  const socket = io.of("/").sockets.get(id);
  if (socket !== undefined) (socket.conn as unknown as EngineConnection).transport.socket?.terminate();
}
