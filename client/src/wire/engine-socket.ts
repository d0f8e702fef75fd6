import { Emitter } from "@socket.io/component-emitter";
import { decodePacket, encodePacket, protocol } from "./engine-packets.ts";

/** What socket.io-client's Manager hands on of its options; the rest rules transports that no Holdfast server speaks. */
interface Options {
  readonly path: string;
  readonly query?: string | Readonly<Record<string, string>>;
  readonly addTrailingSlash?: boolean;
  readonly protocols?: string | string[];
}

/** The server's greeting. */
interface Greeting {
  readonly sid: string;
  readonly pingInterval: number;
  readonly pingTimeout: number;
}

interface Events {
  open(): void;
  ping(): void;
  data(text: string): void;
  error(error: unknown): void;
  close(reason: string, details?: unknown): void;
}

type NoEvents = Record<never, never>;

/** Those that have not ended. */
const sockets = new Set<Socket>();
// A service worker takes listeners of this event only while it is first evaluated.
globalThis.addEventListener?.("offline", () => {
  for (const socket of [...sockets]) if (!socket.isLocal) socket.end("transport close");
});

/**
 * An Engine.IO connection over WebSocket, from its opening to its end. In a browser's bundle it stands in for that of
 * engine.io-client, of which most is about other transports and the change between them.
 * https://socket.io/docs/v4/engine-io-protocol/
 */
export class Socket extends Emitter<NoEvents, NoEvents, Events> {
  readyState: "opening" | "open" | "closed" = "opening";
  id: string | null = null;
  /** What Socket.IO asks before it sends what may be dropped. */
  readonly transport = { writable: false };
  /** Reachable without a network. */
  readonly isLocal: boolean = false;
  #socket: WebSocket | undefined;
  #pingsWithinMs = 0;
  /** By the wall clock, since timers stand still while a computer sleeps. */
  #expiresAtMs = Number.POSITIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(uri: string, options: Options) {
    super();
    sockets.add(this);
    try {
      const url = addressOf(uri, options);
      this.isLocal = url.hostname === "localhost";
      this.#socket = new WebSocket(url, options.protocols);
    } catch (error) {
      // Nobody listens yet.
      nextTick(() => this.#fail(error));
      return;
    }
    this.#socket.onmessage = ({ data }) => this.#take(data);
    this.#socket.onerror = (event) => this.#fail(Object.assign(new Error("websocket error"), { description: event }));
    this.#socket.onclose = (event) => this.end("transport close", event);
  }

  #take(data: unknown): void {
    const packet = decodePacket(data);
    if (packet.type === "open") this.#greet(greetingOf(packet.data));
    else if (packet.type === "ping") {
      this.#send("pong");
      this.emitReserved("ping");
      this.#expectPing();
    } else if (packet.type === "message") this.emitReserved("data", packet.data);
    else if (packet.type === "error") this.#fail(Object.assign(new Error("server error"), { code: packet.data }));
  }

  #greet(greeting: Greeting | undefined): void {
    if (!greeting) {
      this.#fail(new Error("server error"));
      return;
    }
    this.id = greeting.sid;
    this.#pingsWithinMs = greeting.pingInterval + greeting.pingTimeout;
    this.readyState = "open";
    this.transport.writable = true;
    this.#expectPing();
    this.emitReserved("open");
  }

  #expectPing(): void {
    if (this.readyState === "closed") return;
    clearTimeout(this.#timer);
    this.#expiresAtMs = Date.now() + this.#pingsWithinMs;
    this.#timer = setTimeout(() => this.end("ping timeout"), this.#pingsWithinMs);
  }

  /** Whether the server's ping is overdue, though the timer for it, slowed down by the browser, has not run yet. */
  _hasPingExpired(): boolean {
    const isExpired = Date.now() > this.#expiresAtMs;
    if (isExpired) nextTick(() => this.end("ping timeout"));
    return isExpired;
  }

  write(text: string): void {
    this.#send("message", text);
  }

  #send(type: string, data?: string): void {
    if (this.readyState === "open") encodePacket({ type, data }, false, (text) => this.#socket?.send(text));
  }

  close(): void {
    this.end("forced close");
  }

  #fail(error: unknown): void {
    if (this.readyState === "closed") return;
    this.emitReserved("error", error);
    this.end("transport error", error);
  }

  /** Ends it, once; what arrives later is not told. */
  end(reason: string, details?: unknown): void {
    if (this.readyState === "closed") return;
    this.readyState = "closed";
    this.id = null;
    this.transport.writable = false;
    sockets.delete(this);
    clearTimeout(this.#timer);
    if (this.#socket) {
      this.#socket.onmessage = this.#socket.onclose = null;
      // Where it is still connecting, a WebSocket of the package `ws` throws unless somebody takes its error.
      this.#socket.onerror = () => undefined;
      this.#socket.close();
    }
    this.emitReserved("close", reason, details);
  }
}

function greetingOf(text: string): Greeting | undefined {
  try {
    return Object(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function addressOf(uri: string, { path, query, addTrailingSlash = true }: Options): URL {
  const url = new URL(uri);
  url.protocol = url.protocol.replace("http", "ws");
  url.username = url.password = url.hash = "";
  url.pathname = path.replace(/\/$/, "") + (addTrailingSlash ? "/" : "");
  const asked = { ...valuesOf(url.search.slice(1) || query), EIO: protocol, transport: "websocket" };
  url.search = Object.entries(asked)
    .map((pair) => pair.map(encodeURIComponent).join("="))
    .join("&");
  return url;
}

/** Reads a query as Engine.IO's client does: a plus sign stays one, where `URLSearchParams` makes it a space. */
function valuesOf(query: Options["query"] = {}): Readonly<Record<string, string>> {
  if (typeof query !== "string") return query;
  const pairs = query.split("&").map((pair) => {
    const [name = "", ...value] = pair.split("=");
    return [name, value.join("=")].map(decodeURIComponent);
  });
  return Object.fromEntries(pairs);
}

/** Gives Socket.IO's Manager its timers. */
export function installTimerFunctions(owner: object): void {
  const [setTimeoutFn, clearTimeoutFn] = [setTimeout.bind(globalThis), clearTimeout.bind(globalThis)];
  Object.assign(owner, { setTimeoutFn, clearTimeoutFn });
}

export function nextTick(callback: () => void): void {
  queueMicrotask(callback);
}
