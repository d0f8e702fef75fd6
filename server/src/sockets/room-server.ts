import type { ClientToServerEvents, Position, ServerToClientEvents } from "@holdfast/client/protocol";
import type { DefaultEventsMap, Server, Socket } from "socket.io";
import type { Standing } from "../auth/standing.ts";
import { adapterRoom, roomOfAdapterRoom } from "../broadcast/names.ts";
import type { MembersNotice } from "../presence/fold.ts";
import { versionText } from "../presence/member-version.ts";
import type { Seat } from "./seats.ts";

/** How a connection grows old with its token. */
export interface Aging {
  /** The token is another one now, or has another end. */
  restart(): void;
  stop(): void;
}

interface SocketData {
  /** Is set when the socket is admitted. */
  standing: Standing;
  /** Is set when the socket is served. */
  aging: Aging;
  /** Is given back when the socket is gone. */
  seat: Seat;
  /** Is called when the connection is taken out of a room: its user may not read there, or that cannot be looked up now. */
  onExpelled: (room: string, code: "FORBIDDEN" | "UNAVAILABLE") => void;
  /** What it is in the rooms' lists of members. */
  membership: {
    isMember(room: string): boolean;
    /** Its user may not write in the room any more: it is no member, and goes on watching. */
    end(room: string): void;
  };
}

/** Socket.IO with the events of the protocol. */
export type RoomServer = Server<ClientToServerEvents, ServerToClientEvents, DefaultEventsMap, SocketData>;
export type RoomSocket = Socket<ClientToServerEvents, ServerToClientEvents, DefaultEventsMap, SocketData>;

/** Rooms that have members on this instance. */
export function localRooms(io: RoomServer): string[] {
  return [...io.of("/").adapter.rooms.keys()].flatMap((name) => roomOfAdapterRoom(name) ?? []);
}

/** How many connections of this instance have joined a room. */
export function localMembers(io: RoomServer, room: string): number {
  return io.of("/").adapter.rooms.get(adapterRoom(room))?.size ?? 0;
}

/** Tells the members of a room on this instance, and no other, where its log stands. */
export function tellPosition(io: RoomServer, room: string, position: Position): void {
  io.local.to(adapterRoom(room)).emit("room:position", { room, position });
}

/** Tells some connections of this instance what has changed among the members of a room. It is encoded once for all. */
export function tellMembers(io: RoomServer, room: string, connections: readonly string[], notice: MembersNotice): void {
  if (connections.length === 0) return;
  const { version, previous, joined, updated, left, count, mode } = notice;
  io.local.to([...connections]).emit("presence:changed", {
    room,
    version: versionText(version),
    ...(previous === undefined ? {} : { previous: versionText(previous) }),
    joined: [...joined],
    updated: [...updated],
    left: [...left],
    count,
    mode,
  });
}

/** Calls back when the last member of a room on this instance has left. */
export function onRoomEmpty(io: RoomServer, listener: (room: string) => void): void {
  io.of("/").adapter.on("delete-room", (name: string) => {
    const room = roomOfAdapterRoom(name);
    if (room !== undefined) listener(room);
  });
}
