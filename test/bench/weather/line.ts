import { Agent } from "node:http";
import { connect, Socket } from "node:net";

/**
 * One client's way to the servers, as an HTTP agent: socket.io-client opens every connection through it. It costs the
 * bytes nothing, unlike a relay, and can be cut and stay away for a while, as a telephone between two cells.
 */
export class Line extends Agent {
  /** Tells `online`, as a browser's window does, when the line is back after a cut. */
  readonly hint = new EventTarget();
  /** Where the next connection goes: to one of these, at random, as a load balancer chooses. */
  ports: readonly number[];
  /** Connections that were attempted. */
  attempts = 0;
  #onlineAtMs = 0;
  #socket: Socket | undefined;

  constructor(ports: readonly number[]) {
    super();
    this.ports = ports;
  }

  /** When the line was, or will be, usable again after the last cut, in milliseconds of `Date.now()`. */
  get onlineAtMs(): number {
    return this.#onlineAtMs;
  }

  /** Resets the connection (RST) and lets none through for a while. */
  cut(offlineMs: number): void {
    this.#onlineAtMs = Date.now() + offlineMs;
    this.#socket?.resetAndDestroy();
    setTimeout(() => this.hint.dispatchEvent(new Event("online")), offlineMs);
  }

  override createConnection(): Socket {
    if (Date.now() < this.#onlineAtMs) return unreachable();
    const port = this.ports[Math.floor(Math.random() * this.ports.length)];
    if (port === undefined) return unreachable();
    this.attempts += 1;
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    return this.#socket;
  }
}

/** A connection attempt of a machine without a network. */
function unreachable(): Socket {
  const socket = new Socket();
  process.nextTick(() => socket.destroy(Object.assign(new Error("the line is cut"), { code: "ENETUNREACH" })));
  return socket;
}
