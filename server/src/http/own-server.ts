import type { Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Echo, echoPath } from "./echo.ts";
import { pathOf, refuseUpgrade } from "./refuse-upgrade.ts";

/**
 * The gateway keeps connections for reuse, and a POST on one that the server has just closed fails with 502. So the server
 * never closes an idle connection first while it serves.
 */
const keepAliveTimeoutMs = 20 * 60_000;
/** How long the end of the server waits for clients to answer the closing of their WebSockets. */
const silentClientMs = 500;
/** What requests have left at least, where the clients that were moved took all of the time. */
const lastAnswersMs = 500;

/** The server's own HTTP server: listens and closes in order, because it knows open connections and requests under way. */
export class OwnServer {
  readonly #server: Server;
  readonly #askedPort: number;
  readonly #echo: Echo;
  /**
   * Requests under way, by their connection: one that waits behind another one on its connection is told of neither an
   * answer nor an end when the connection ends.
   */
  readonly #underWay = new Map<Socket, Set<ServerResponse>>();
  /** Stays known when the server has ended. */
  #listenedPort = 0;
  #isGoingAway = false;
  #onAllAnswered: () => void = () => undefined;

  /**
   * Make it after all other listeners of the server, and before the server listens.
   *
   * @param port - 0 lets the system choose
   * @param path - below it are the WebSockets; every other upgrade but that of the echo is refused at once
   */
  constructor(server: Server, port: number, path: string, echo: Echo) {
    this.#server = server;
    this.#echo = echo;
    this.#askedPort = port;
    server.keepAliveTimeout = keepAliveTimeoutMs;
    server.on("connection", (socket: Socket) => {
      this.#underWay.set(socket, new Set());
      socket.once("close", () => {
        this.#underWay.delete(socket);
        if (this.#isGoingAway && this.#isAllAnswered) this.#onAllAnswered();
      });
    });
    server.on("upgrade", (request, socket, head) => {
      const asked = pathOf(request);
      if (asked === echoPath) echo.take(request, socket, head);
      else if (!asked.startsWith(path)) refuseUpgrade(socket);
    });
    server.prependListener("request", ({ socket }, response) => this.#track(socket, response));
  }

  /** The port that it listens on. */
  get port(): number {
    const address = this.#server.address() as AddressInfo | null;
    return address?.port ?? this.#listenedPort;
  }

  /** Throws a sentence with the next step where the port is taken. */
  async listen(): Promise<void> {
    const port = this.#askedPort;
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, "0.0.0.0", () => {
        this.#server.off("error", reject);
        resolve();
      });
    }).catch((error: unknown) => {
      throw isPortTaken(error)
        ? new Error(`port ${port} is taken. Stop what listens there, or name another one in PORT.`, { cause: error })
        : error;
    });
    this.#listenedPort = this.port;
  }

  /** From now on each answer closes its connection, so that clients that reuse connections go elsewhere in time. */
  goAway(): void {
    this.#isGoingAway = true;
    for (const responses of this.#underWay.values()) for (const response of responses) closeAfter(response);
  }

  /**
   * Stops listening and closes everything; requests that are under way have until `deadlineMs` to be answered.
   *
   * @param stop - closes the server and its WebSockets; resolves when all connections are closed
   * @param deadlineMs - of `performance.now()`
   */
  async close(stop: () => Promise<void>, deadlineMs: number): Promise<void> {
    this.goAway();
    // A request that has arrived, and was not read yet, is one that is under way.
    await nextTurn();
    this.#echo.close();
    const stopped = stop();
    const cutSilent = setTimeout(() => this.#destroyIdle(), silentClientMs);
    await this.#allAnswered(Math.max(deadlineMs - performance.now(), lastAnswersMs));
    // Also those that never sent a whole request, and would keep the server open.
    this.#server.closeAllConnections();
    await stopped;
    clearTimeout(cutSilent);
    for (const socket of this.#underWay.keys()) socket.destroy();
  }

  get #isAllAnswered(): boolean {
    return [...this.#underWay.values()].every(({ size }) => size === 0);
  }

  #track(socket: Socket, response: ServerResponse): void {
    if (this.#isGoingAway) closeAfter(response);
    const responses = this.#underWay.get(socket);
    responses?.add(response);
    response.once("close", () => {
      responses?.delete(response);
      // All connections are looked at only where somebody waits for it.
      if (this.#isGoingAway && this.#isAllAnswered) this.#onAllAnswered();
    });
  }

  async #allAnswered(withinMs: number): Promise<void> {
    if (this.#isAllAnswered) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, withinMs);
      this.#onAllAnswered = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #destroyIdle(): void {
    for (const [socket, responses] of this.#underWay) {
      if (responses.size === 0) socket.destroy();
    }
  }
}

/** Node.js then says `Connection: close` in the answer's head, unless that has been sent already. */
function closeAfter(response: ServerResponse): void {
  response.shouldKeepAlive = false;
}

function isPortTaken(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EADDRINUSE";
}
