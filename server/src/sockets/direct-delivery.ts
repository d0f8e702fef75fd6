import type { Socket as TcpSocket } from "node:net";
import type { Namespace } from "socket.io";
import { DeflatedBroadcast, type DeflatedReader } from "../broadcast/deflated-broadcast.ts";
import type { DirectPacket } from "../broadcast/direct-packet.ts";
import { adapterRoom } from "../broadcast/names.ts";

/** Engine.IO's options of a packet that is a frame already. */
interface WholeFrame {
  readonly compress: false;
  readonly wsPreEncodedFrame: readonly Buffer[];
}

type Tcp = Pick<TcpSocket, "writable" | "writableLength" | "write">;

/** The parts of an Engine.IO connection that are needed to write frames below it. Some are not in its public types. */
interface DirectConnection {
  readonly readyState: string;
  readonly writeBuffer: readonly unknown[];
  readonly transport: {
    readonly writable: boolean;
    /** The WebSocket, and what it writes its frames to, which is null when that is gone. */
    readonly socket?: {
      readonly readyState: number;
      readonly _socket: Tcp | null;
      readonly deflatedReader?: DeflatedReader | undefined;
    };
  };
  write(data: string, options: WholeFrame): unknown;
}

/** `WebSocket.OPEN` */
const webSocketIsOpen = 1;

/**
 * Gives a broadcast to every local member of a room. Where nothing waits for a member, its frame goes straight to the
 * TCP socket, below Engine.IO's packets and their events; everything else takes Socket.IO's own way, which keeps the
 * order, queues what waits, and is where slow readers are found.
 *
 * @param compressFromBytes - frames of at least so many bytes are deflated for members that take it; 0 deflates none
 */
export function directDelivery(compressFromBytes: number) {
  /** By the set of a room's members, which lives as long as it has some. */
  const endOfLatest = new WeakMap<ReadonlySet<string>, Buffer>();

  return (namespace: Namespace, room: string, packet: DirectPacket): void => {
    const members = namespace.adapter.rooms.get(adapterRoom(room));
    if (members === undefined) return;
    const isDeflated = compressFromBytes > 0 && packet.frame.length >= compressFromBytes;
    const deflated = isDeflated ? new DeflatedBroadcast(packet, endOfLatest.get(members)) : undefined;
    // One object for all receivers, as the adapter's own broadcast has it.
    const plain = wholeFrame(packet.frame);
    let alone: WholeFrame | undefined;
    for (const id of members) {
      if (id === packet.exceptSocketId) continue;
      const socket = namespace.sockets.get(id) as unknown as { readonly conn: DirectConnection } | undefined;
      if (socket === undefined) continue;
      const { conn } = socket;
      const reader = deflated === undefined ? undefined : conn.transport.socket?.deflatedReader;
      const tcp = freeTcp(conn);
      if (deflated === undefined || reader === undefined) {
        if (tcp === undefined) conn.write("", plain);
        else tcp.write(packet.frame);
      } else if (tcp === undefined) {
        const frame = deflated.queue(reader);
        alone ??= wholeFrame(frame);
        conn.write("", alone);
      } else tcp.write(deflated.write(reader));
    }
    if (deflated?.end !== undefined) endOfLatest.set(members, deflated.end);
  };
}

function wholeFrame(frame: Buffer): WholeFrame {
  return { compress: false, wsPreEncodedFrame: [frame] };
}

/** What a frame can be written to at once; undefined where something waits before it, or the WebSocket is not an open one. */
function freeTcp({ readyState, writeBuffer, transport }: DirectConnection): Tcp | undefined {
  if (readyState !== "open" || !transport.writable || writeBuffer.length > 0) return undefined;
  const { socket } = transport;
  if (socket?.readyState !== webSocketIsOpen) return undefined;
  const tcp = socket._socket;
  return tcp === null || !tcp.writable || tcp.writableLength > 0 ? undefined : tcp;
}
