import { connect as connectTcp, type Socket } from "node:net";
import { WebSocket } from "ws";
import { limits } from "../../client/src/protocol/limits.ts";
import { sessionId } from "./unique.ts";
import { DEFAULT_WAIT_MS, withTimeout } from "./wait.ts";

// Engine.IO 4 and Socket.IO 5 by hand, at the least cost per message, for benchmarks with hundreds of clients in one
// process: https://socket.io/docs/v4/engine-io-protocol/ and https://socket.io/docs/v4/socket-io-protocol/. One
// namespace, text packets, no reconnection.

export interface RawOptions {
  /** The Socket.IO handshake's `auth`; default: protocol and a fresh session. */
  readonly auth?: Readonly<Record<string, unknown>>;
  /** Called with each event packet's text, `42[…]`; default: nobody listens. */
  readonly onEvent?: (packet: string) => void;
  /** Called with each acknowledgement that no `request` waits for; default: nobody listens. */
  readonly onAnswer?: (id: number, answer: unknown) => void;
  /** Request headers of the upgrade. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Offers permessage-deflate and, where the server agrees, deflates all that it sends, as browsers do; default: no. */
  readonly deflates?: boolean;
}

export interface RawClose {
  /** The WebSocket close code; 1006 when there was no close frame. */
  readonly code: number;
  /** Milliseconds of `performance.now()`. */
  readonly atMs: number;
}

/** Opens a raw client and resolves when it is connected to the namespace; rejects with the server's refusal. */
export async function connectRaw(url: string, options: RawOptions = {}): Promise<RawClient> {
  const client = new RawClient(url, options);
  try {
    await withTimeout(client.connected, `a raw client to connect to ${url}`);
  } catch (error) {
    client.terminate();
    throw error;
  }
  return client;
}

/** One raw connection. */
export class RawClient implements Disposable {
  /** Settles with the namespace's connection; rejects with the refusal's text or when it closes before. */
  readonly connected: Promise<void>;
  /** Settles when the connection is over; never rejects. */
  readonly closed: Promise<RawClose>;
  /** Event packets that came. */
  packets = 0;
  readonly #webSocket: WebSocket;
  readonly #auth: string;
  readonly #onEvent: ((packet: string) => void) | undefined;
  readonly #onAnswer: ((id: number, answer: unknown) => void) | undefined;
  readonly #waiting = new Map<number, (answer: unknown) => void>();
  #nextAcknowledgement = 0;
  #tcp: Socket | undefined;
  #settleConnected: { resolve: () => void; reject: (error: Error) => void } | undefined;

  constructor(url: string, { auth, onEvent, onAnswer, headers = {}, deflates = false }: RawOptions) {
    this.#auth = JSON.stringify(auth ?? { protocol: limits.protocolVersion, session: sessionId() });
    this.#onEvent = onEvent;
    this.#onAnswer = onAnswer;
    const address = `${url.replace(/^http/, "ws")}/socket.io/?EIO=4&transport=websocket`;
    this.#webSocket = new WebSocket(address, {
      perMessageDeflate: deflates && { threshold: 0 },
      skipUTF8Validation: true,
      headers,
      createConnection: ((options: { host: string; port: number }) => {
        this.#tcp = connectTcp({ host: options.host, port: Number(options.port), noDelay: true });
        return this.#tcp;
      }) as typeof connectTcp,
    });
    this.connected = new Promise((resolve, reject) => {
      this.#settleConnected = { resolve, reject };
    });
    // The test that opened the client learns it from `connected` or `closed`; neither must ever end the process.
    this.connected.catch(() => undefined);
    this.#webSocket.on("message", (bytes: Buffer) => this.#take(bytes));
    this.#webSocket.on("error", (error) => this.#settleConnected?.reject(error));
    this.closed = new Promise((resolve) => {
      this.#webSocket.on("close", (code) => {
        this.#settleConnected?.reject(new Error(`expected an open connection, got close code ${code}`));
        resolve({ code, atMs: performance.now() });
      });
    });
  }

  /** Bytes that have come over TCP, those of the upgrade among them. */
  get receivedBytes(): number {
    return this.#tcp?.bytesRead ?? 0;
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === WebSocket.OPEN;
  }

  /** Sends a packet as it is, e.g. one that was encoded once for many. */
  send(packet: string): void {
    this.#webSocket.send(packet);
  }

  /** Sends an attachment of the packet before. */
  sendBytes(bytes: Buffer): void {
    this.#webSocket.send(bytes);
  }

  /** Sends an event that asks for no acknowledgement. */
  emit(event: string, payload: unknown): void {
    this.send(`42${JSON.stringify([event, payload])}`);
  }

  /** Sends an event and resolves with the first argument of its acknowledgement. */
  async request(event: string, payload: unknown, timeoutMs = DEFAULT_WAIT_MS): Promise<unknown> {
    const id = this.#nextAcknowledgement;
    this.#nextAcknowledgement += 1;
    const answer = new Promise<unknown>((resolve) => this.#waiting.set(id, resolve));
    this.send(`42${id}${JSON.stringify([event, payload])}`);
    try {
      return await withTimeout(answer, `the acknowledgement of ${event}`, timeoutMs);
    } finally {
      this.#waiting.delete(id);
    }
  }

  /** Stops reading: what the server sends fills the buffers on the way, then waits on the server. */
  pause(): void {
    this.#webSocket.pause();
  }

  /** Reads again what has waited. */
  resume(): void {
    this.#webSocket.resume();
  }

  /** Closes with a close frame. */
  close(): void {
    this.#webSocket.close();
  }

  /** Ends the TCP connection without a close frame (FIN). */
  terminate(): void {
    this.#webSocket.terminate();
  }

  /** Ends the TCP connection with a reset (RST). */
  reset(): void {
    this.#tcp?.resetAndDestroy();
  }

  [Symbol.dispose](): void {
    this.terminate();
  }

  #take(bytes: Buffer): void {
    // Latin-1 is a plain copy, UTF-8 a decoding: the packet's structure is ASCII, and only that is looked at.
    switch (bytes[0]) {
      case MESSAGE:
        this.#takeMessage(bytes);
        break;
      case PING:
        this.send("3");
        break;
      case OPEN:
        this.send(`40${this.#auth}`);
        break;
    }
  }

  #takeMessage(bytes: Buffer): void {
    switch (bytes[1]) {
      case EVENT:
        this.packets += 1;
        this.#onEvent?.(bytes.toString("latin1"));
        break;
      case ACKNOWLEDGEMENT: {
        const text = bytes.toString();
        const start = text.indexOf("[");
        const [answer] = JSON.parse(text.slice(start)) as unknown[];
        const id = Number(text.slice(2, start));
        const resolve = this.#waiting.get(id);
        if (resolve === undefined) this.#onAnswer?.(id, answer);
        else resolve(answer);
        break;
      }
      case CONNECT:
        this.#settleConnected?.resolve();
        break;
      case CONNECT_ERROR:
        this.#settleConnected?.reject(new Error(bytes.toString("utf8", 2)));
        break;
      case DISCONNECT:
        this.close();
        break;
    }
  }
}

// First character of an Engine.IO packet.
const OPEN = "0".charCodeAt(0);
const PING = "2".charCodeAt(0);
const MESSAGE = "4".charCodeAt(0);
// Second character, of a message: the Socket.IO packet's type.
const CONNECT = "0".charCodeAt(0);
const DISCONNECT = "1".charCodeAt(0);
const EVENT = "2".charCodeAt(0);
const ACKNOWLEDGEMENT = "3".charCodeAt(0);
const CONNECT_ERROR = "4".charCodeAt(0);
