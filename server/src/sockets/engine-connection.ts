/**
 * The part of an Engine.IO connection that is looked at below Socket.IO. Of one client there is one, however often it
 * connects to the namespace on it. Not all of this is in Engine.IO's public types.
 */
export interface EngineConnection {
  readonly readyState: string;
  /** Packets that have not been given to the WebSocket yet, because those before them are not sent. */
  readonly writeBuffer: OutgoingPacket[];
  readonly transport: {
    /** False while something that was given to the WebSocket waits to be sent. */
    readonly writable: boolean;
    /** The WebSocket. */
    readonly socket?: {
      readonly bufferedAmount: number;
      terminate(): void;
      /** Control frames of the WebSocket, which are no packets. It answers each ping by itself. */
      on(event: "ping" | "pong", listener: () => void): unknown;
    };
  };
  on(event: "packet", listener: (packet: IncomingPacket) => void): unknown;
  on(event: "packetCreate", listener: (packet: OutgoingPacket) => void): unknown;
  once(event: "close", listener: () => void): unknown;
  /** The client answers a ping with a pong, whenever it comes. */
  sendPacket(type: "ping"): void;
  /** Closes with a close frame, after what waits has been sent. */
  close(): unknown;
}

/** A packet that came in; of a message, `data` is Socket.IO's packet, or a binary attachment. */
export interface IncomingPacket {
  readonly type: string;
  readonly data?: unknown;
}

/** A packet on its way out. One that is broadcast is encoded once, for all its receivers. */
export interface OutgoingPacket {
  readonly data?: unknown;
  readonly options?: { readonly wsPreEncodedFrame?: readonly Buffer[] };
}

/**
 * Ends a connection without a close frame, and drops what waits for it. Engine.IO would still write all of that when the
 * write that is under way is done, and each packet would fail with an error of its own: seconds for some thousands.
 */
export function terminate({ writeBuffer, transport }: EngineConnection): void {
  writeBuffer.length = 0;
  transport.socket?.terminate();
}
