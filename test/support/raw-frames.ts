import { randomBytes } from "node:crypto";
import { connect as connectTcp, type Socket } from "node:net";
import { FrameReader, inflateBehind } from "./frame-reader.ts";
import { waitFor, withTimeout } from "./wait.ts";

// A WebSocket below every library: frames are written byte by byte, as RFC 6455 has them or not.

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
type Opcode = keyof typeof opcodes;

export interface FrameOptions {
  /** 0 to 15. */
  readonly opcode: number;
  readonly payload?: Buffer;
  /** Default true. */
  readonly fin?: boolean;
  /** The three reserved bits, 0 to 7; default 0. */
  readonly reserved?: number;
  /** Default true, as a client must. */
  readonly masked?: boolean;
  /** The length that the frame announces; default that of its payload. */
  readonly announcedBytes?: number | bigint;
}

/** The bytes of one frame. */
export function frame(options: FrameOptions): Buffer {
  const { opcode, payload = Buffer.alloc(0), fin = true, reserved = 0, masked = true } = options;
  const first = (fin ? 0x80 : 0) | ((reserved & 7) << 4) | (opcode & 15);
  const header = [Buffer.from([first]), lengthBytes(BigInt(options.announcedBytes ?? payload.length), masked)];
  if (!masked) return Buffer.concat([...header, payload]);
  const mask = randomBytes(4);
  const hidden = payload.map((byte, index) => byte ^ (mask[index % 4] ?? 0));
  return Buffer.concat([...header, mask, hidden]);
}

export function textFrame(text: string): Buffer {
  return frame({ opcode: opcodes.text, payload: Buffer.from(text) });
}

export function controlFrame(kind: "close" | "ping" | "pong", text: string): Buffer {
  return frame({ opcode: opcodes[kind], payload: Buffer.from(text) });
}

function lengthBytes(length: bigint, masked: boolean): Buffer {
  const bit = masked ? 0x80 : 0;
  if (length < 126n) return Buffer.from([bit | Number(length)]);
  if (length < 65_536n) return Buffer.from([bit | 126, Number(length >> 8n), Number(length & 255n)]);
  const bytes = Buffer.alloc(9);
  bytes[0] = bit | 127;
  bytes.writeBigUInt64BE(length, 1);
  return bytes;
}

interface ReceivedFrame {
  readonly kind: string;
  readonly isDeflated: boolean;
  readonly payload: Buffer;
  readonly text: string;
}

/** A connection that was upgraded to a WebSocket, and on which nothing is sent that the test does not send. */
class RawFrames implements Disposable {
  /** Settles when the connection is over; never rejects. */
  readonly closed: Promise<void>;
  isClosed = false;
  /** The extensions that the server has agreed to; "" for none. */
  readonly extensions: string;
  /** Every frame that came, in their order; the text of a deflated one is inflated behind those before it. */
  readonly frames: ReceivedFrame[] = [];
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  #window: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, extensions: string) {
    this.extensions = extensions;
    this.#socket = socket;
    this.closed = new Promise((resolve) =>
      socket.once("close", () => {
        this.isClosed = true;
        resolve();
      }),
    );
    socket.on("data", (bytes: Buffer) => this.#take(bytes));
  }

  /** Texts of frames of a kind that the server has sent, in their order. */
  texts(kind: Opcode): string[] {
    return this.frames.filter((each) => each.kind === kind).map(({ text }) => text);
  }

  async sees(kind: Opcode, text: string): Promise<void> {
    await waitFor(() => this.texts(kind).includes(text), `a ${kind} frame with "${text}"`);
  }

  /** Resolves when the bytes have left this process, or the connection is over. */
  async write(bytes: Buffer): Promise<void> {
    if (this.isClosed) return;
    const written = new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve()));
    await Promise.race([written, this.closed]);
  }

  /** Sends a FIN behind what was written. */
  end(): void {
    this.#socket.end();
  }

  /** Reads nothing more. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads again what has waited. */
  resume(): void {
    this.#socket.resume();
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #take(bytes: Buffer): void {
    for (const { opcode, isDeflated, payload } of this.#reader.take(bytes)) {
      const kind = Object.entries(opcodes).find(([, known]) => known === opcode)?.[0] ?? "unknown";
      let text = payload.toString();
      if (isDeflated) {
        const { message, window } = inflateBehind(this.#window, payload);
        this.#window = window;
        text = message.toString();
      }
      this.frames.push({ kind, isDeflated, payload, text });
    }
  }
}

export type { RawFrames };

/** Opens a WebSocket to Engine.IO, and offers extensions where some are named. */
export async function openFrames(
  url: string,
  path = "/socket.io/?EIO=4&transport=websocket",
  extensions = "",
): Promise<RawFrames> {
  const { hostname, port } = new URL(url);
  const socket = connectTcp({ host: hostname, port: Number(port), noDelay: true });
  // A reset is one of the ways in which the server may end it.
  socket.on("error", () => undefined);
  const key = randomBytes(16).toString("base64");
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n` +
      `${extensions === "" ? "" : `Sec-WebSocket-Extensions: ${extensions}\r\n`}\r\n`,
  );
  let head = "";
  await withTimeout(
    new Promise<void>((resolve, reject) => {
      socket.once("close", () => reject(new Error(`expected an upgrade, got: ${head}`)));
      socket.on("data", function onHead(bytes: Buffer) {
        head += bytes.toString("latin1");
        const end = head.indexOf("\r\n\r\n");
        if (end === -1) return;
        socket.off("data", onHead);
        socket.pause();
        const rest = Buffer.from(head.slice(end + 4), "latin1");
        if (rest.length > 0) socket.unshift(rest);
        resolve();
      });
    }),
    "the upgrade to a WebSocket",
  );
  const raw = new RawFrames(socket, /^sec-websocket-extensions: (.*)$/im.exec(head)?.[1]?.trim() ?? "");
  socket.resume();
  return raw;
}
