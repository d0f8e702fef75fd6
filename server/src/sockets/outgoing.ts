import type { EngineConnection, OutgoingPacket } from "./engine-connection.ts";

/** The memory of a waiting packet without its data: the object, its options and its place in the buffer. */
const packetOverheadBytes = 256;

/** Counts the bytes that are written to one connection and those that wait to be sent. It must cost almost nothing. */
export class Outgoing {
  readonly #connection: EngineConnection;
  readonly #onWaiting: (waitingBytes: number) => void;
  /** Bytes of the packets in the write buffer, where there are any. */
  #bufferedBytes = 0;
  #measuredBytes: number | undefined;

  /** @param onWaiting - called with the bytes that wait, each time that a packet is added to others that wait */
  constructor(connection: EngineConnection, onWaiting: (waitingBytes: number) => void) {
    this.#connection = connection;
    this.#onWaiting = onWaiting;
    connection.on("packetCreate", (packet) => this.#note(packet));
  }

  /** Bytes of memory that wait for this connection's reader, those of the WebSocket and those before it. */
  get waitingBytes(): number {
    const { writeBuffer, transport } = this.#connection;
    const inWebSocket = transport.socket?.bufferedAmount ?? 0;
    return inWebSocket + (writeBuffer.length === 0 ? 0 : this.#bufferedBytes);
  }

  /** Bytes of the packets that are written while `write` runs. */
  measure(write: () => void): number {
    this.#measuredBytes = 0;
    try {
      write();
      return this.#measuredBytes;
    } finally {
      this.#measuredBytes = undefined;
    }
  }

  /** Called before the packet is in the write buffer. */
  #note(packet: OutgoingPacket): void {
    const { writeBuffer, transport } = this.#connection;
    // Where nothing waits, a packet goes straight to the WebSocket: the usual case, which must cost nothing.
    if (transport.writable && this.#measuredBytes === undefined) return;
    const bytes = bytesOf(packet);
    if (this.#measuredBytes !== undefined) this.#measuredBytes += bytes;
    if (transport.writable) return;
    this.#bufferedBytes = (writeBuffer.length === 0 ? 0 : this.#bufferedBytes) + bytes + packetOverheadBytes;
    this.#onWaiting(this.#bufferedBytes + (transport.socket?.bufferedAmount ?? 0));
  }
}

/** The memory that a packet's data takes, whether it is still text or encoded already. */
function bytesOf({ data, options }: OutgoingPacket): number {
  const frame = options?.wsPreEncodedFrame;
  if (frame !== undefined) return frame.reduce((sum, part) => sum + part.byteLength, 0);
  if (typeof data === "string") return bytesOfText(data);
  return data instanceof Uint8Array ? data.byteLength : 0;
}

/** A text takes one byte a character in memory, or two where any of them needs it, and up to three as UTF-8. */
function bytesOfText(text: string): number {
  const bytes = Buffer.byteLength(text);
  return bytes === text.length ? bytes : Math.max(bytes, 2 * text.length);
}
