import { Agent, type ClientRequest } from "node:http";
import type { Socket } from "node:net";

/** Told to a connection when it leaves the pool for its next request. */
const REUSED = "gateway:reused";

/** Like Node.js's own, but deaf to the server's `Keep-Alive: timeout` hint, as the platform's gateway is. */
class GatewayAgent extends Agent {
  readonly #stale: () => void;
  readonly #closing: () => boolean;

  constructor(stale: () => void, closing: () => boolean) {
    super({ keepAlive: true });
    this.#stale = stale;
    this.#closing = closing;
  }

  override keepSocketAlive(socket: Socket): boolean {
    const closedWhileIdle = () => {
      if (!this.#closing()) this.#stale();
    };
    socket.once("close", closedWhileIdle);
    socket.once(REUSED, () => socket.off("close", closedWhileIdle));
    socket.setTimeout(0);
    return true;
  }

  override reuseSocket(socket: Socket, request: ClientRequest): void {
    socket.emit(REUSED);
    super.reuseSocket(socket, request);
  }
}

/**
 * The connections that the gateway keeps open to one instance and uses again.
 *
 * A gateway learns that a server has closed one only when it writes to it. Node.js would notice and avoid that
 * connection; so that the loss does not hide behind luck, every connection that the server closed while it was idle
 * is remembered and spoils one later request, as a dead connection in the platform's pool does.
 */
export class InstanceConnections {
  #closing = false;
  #staleCount = 0;
  readonly agent: Agent = new GatewayAgent(
    () => {
      this.#staleCount += 1;
    },
    () => this.#closing,
  );

  /** Takes one dead connection out of the pool; false when there is none. */
  takeStale(): boolean {
    if (this.#staleCount === 0) return false;
    this.#staleCount -= 1;
    return true;
  }

  close(): void {
    this.#closing = true;
    this.agent.destroy();
  }
}
