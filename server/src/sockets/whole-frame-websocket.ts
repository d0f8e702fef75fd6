import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { constants } from "node:zlib";
import { type ServerOptions, WebSocket, WebSocketServer } from "ws";
import type { DeflatedReader } from "../broadcast/deflated-broadcast.ts";
import { deflatedFrame } from "../broadcast/deflated-frame.ts";
import { textFrame } from "../broadcast/text-frame.ts";
import { type Inflater, inflateWhole } from "./inflate.ts";

type Sent = (error?: Error | null) => void;

/** The parts of a WebSocket that its types do not show. */
interface Inner {
  readonly _socket: { write(frame: Buffer, sent?: Sent): unknown } | null;
  readonly _extensions: Readonly<Record<string, (Inflater & { readonly params: Negotiated }) | undefined>>;
}

/** What was negotiated. https://www.rfc-editor.org/rfc/rfc7692#section-7.1 */
interface Negotiated {
  readonly server_no_context_takeover?: true;
  readonly server_max_window_bits?: number;
}

/**
 * A WebSocket of the server's side that writes a text and the header before it as one buffer. `ws` writes two, which
 * takes Node.js and the kernel longer than the copy of a small text. It deflates at once, too: `ws` would do it in
 * another thread, while frames that are written below it overtake.
 */
class WholeFrameWebSocket extends WebSocket {
  /** Of a reader that takes deflated frames. */
  deflatedReader: DeflatedReader | undefined;
  /** Texts from so many bytes on are deflated for it. */
  deflateFromBytes = Number.POSITIVE_INFINITY;

  override send(data: unknown, ...rest: unknown[]): void {
    const [sent] = rest;
    const { _socket: tcp } = this as unknown as Inner;
    const isSimple = typeof data === "string" && (sent === undefined || typeof sent === "function");
    if (isSimple && tcp !== null && this.readyState === WebSocket.OPEN) {
      tcp.write(this.#frame(data), sent as Sent | undefined);
      return;
    }
    const [options, callback] = typeof sent === "object" ? [sent, rest[1]] : [{}, sent];
    super.send(data as string, { ...options, compress: false }, callback as Sent);
  }

  #frame(text: string): Buffer {
    const bytes = Buffer.byteLength(text);
    if (this.deflatedReader !== undefined && bytes >= this.deflateFromBytes) {
      const deflated = deflatedFrame(text);
      if (deflated.length < bytes) {
        this.deflatedReader.latest = undefined;
        return deflated;
      }
    }
    const { frame, payloadAt } = textFrame(bytes);
    frame.write(text, payloadAt);
    return frame;
  }
}

/** For Engine.IO's option `wsEngine`: the server that makes its WebSockets. */
export function wholeFrameServer(compressFromBytes: number): new (options: ServerOptions) => WebSocketServer {
  return class WholeFrameServer extends WebSocketServer {
    constructor(options: ServerOptions) {
      super({
        ...options,
        WebSocket: WholeFrameWebSocket,
        perMessageDeflate: compressFromBytes > 0 && { clientNoContextTakeover: true },
      });
    }

    override handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      opened: (webSocket: WebSocket, request: IncomingMessage) => void,
    ): void {
      super.handleUpgrade(request, socket, head, (webSocket, of) => {
        // Before anything that has come on it is read.
        if (webSocket instanceof WholeFrameWebSocket) agree(webSocket, this.options.maxPayload ?? 0, compressFromBytes);
        opened(webSocket, of);
      });
    }
  };
}

function agree(webSocket: WholeFrameWebSocket, maxPayload: number, compressFromBytes: number): void {
  const extension = (webSocket as unknown as Inner)._extensions["permessage-deflate"];
  if (extension === undefined) return;
  inflateWhole(webSocket, extension, maxPayload);
  const { server_no_context_takeover: forgets, server_max_window_bits: windowBits } = extension.params;
  // The frames that all receivers share may refer to as much as a message can. Nothing is deflated for a smaller window.
  if (windowBits !== undefined && windowBits < constants.Z_DEFAULT_WINDOWBITS) return;
  webSocket.deflatedReader = { keepsContext: forgets !== true, latest: undefined };
  webSocket.deflateFromBytes = compressFromBytes;
}
