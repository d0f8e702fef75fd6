import { type ServerOptions, WebSocket, WebSocketServer } from "ws";
import { textFrame } from "../broadcast/text-frame.ts";

/** The part of a WebSocket that its types do not show. */
interface Inner {
  readonly _socket: { write(frame: Buffer, sent?: (error?: Error | null) => void): unknown } | null;
}

/**
 * A WebSocket of the server's side that writes a text and the header before it as one buffer. `ws` writes two, which
 * takes Node.js and the kernel longer than the copy of a small text.
 */
class WholeFrameWebSocket extends WebSocket {
  override send(data: unknown, ...rest: unknown[]): void {
    const [sent] = rest;
    const { _socket: tcp } = this as unknown as Inner;
    const isSimple = typeof data === "string" && (sent === undefined || typeof sent === "function");
    if (!isSimple || tcp === null || this.readyState !== WebSocket.OPEN || this.extensions !== "") {
      super.send(data as string, ...(rest as []));
      return;
    }
    const { frame, payloadAt } = textFrame(Buffer.byteLength(data));
    frame.write(data, payloadAt);
    tcp.write(frame, sent as ((error?: Error | null) => void) | undefined);
  }
}

/** For Engine.IO's option `wsEngine`: the server that makes its WebSockets. */
export class WholeFrameServer extends WebSocketServer {
  constructor(options: ServerOptions) {
    super({ ...options, WebSocket: WholeFrameWebSocket });
  }
}
