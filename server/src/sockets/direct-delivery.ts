import type { Socket as TcpSocket } from "node:net";
import type { Namespace } from "socket.io";
import type { DirectPacket } from "../broadcast/direct-packet.ts";
import { adapterRoom } from "../broadcast/names.ts";

/** The parts of an Engine.IO connection that are needed to write frames below it. Some are not in its public types. */
interface DirectConnection {
  readonly readyState: string;
  readonly writeBuffer: readonly unknown[];
  readonly transport: {
    readonly writable: boolean;
    /** Truthy where frames may be compressed. */
    readonly perMessageDeflate?: unknown;
    /** The WebSocket, and what it writes its frames to, which is null when that is gone. */
    readonly socket?: {
      readonly readyState: number;
      readonly _socket: Pick<TcpSocket, "writable" | "writableLength" | "write"> | null;
    };
  };
  write(data: string, options: { readonly compress: boolean; readonly wsPreEncodedFrame: readonly Buffer[] }): unknown;
}

/** `WebSocket.OPEN` */
const webSocketIsOpen = 1;

/**
 * Gives a broadcast to every local member of a room. Where nothing waits for a member, its frame goes straight to the
 * TCP socket, below Engine.IO's packets and their events; everything else takes Socket.IO's own way, which keeps the
 * order, queues what waits, and is where slow readers are found.
 */
export function deliverDirectly(namespace: Namespace, room: string, { frame, exceptSocketId }: DirectPacket): void {
  const members = namespace.adapter.rooms.get(adapterRoom(room));
  if (members === undefined) return;
  // One object for all receivers, as the adapter's own broadcast has it.
  const options = { compress: false, wsPreEncodedFrame: [frame] };
  for (const id of members) {
    if (id === exceptSocketId) continue;
    const socket = namespace.sockets.get(id) as unknown as { readonly conn: DirectConnection } | undefined;
    if (socket === undefined) continue;
    const { conn } = socket;
    if (!writeThrough(conn, frame)) conn.write("", options);
  }
}

/** Returns false, and writes nothing, where something waits before the frame, or the WebSocket is not a plain open one. */
function writeThrough({ readyState, writeBuffer, transport }: DirectConnection, frame: Buffer): boolean {
  if (readyState !== "open" || !transport.writable || writeBuffer.length > 0) return false;
  const { socket, perMessageDeflate } = transport;
  if (socket?.readyState !== webSocketIsOpen || perMessageDeflate) return false;
  const tcp = socket._socket;
  if (tcp === null || !tcp.writable || tcp.writableLength > 0) return false;
  tcp.write(frame);
  return true;
}
