import type { Server as HttpServer, IncomingMessage } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import { pathOf, refuseUpgrade } from "./refuse-upgrade.ts";

/** The server of an application, which listens already or will. */
export type HostServer = HttpServer | HttpsServer;

type Take = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/** How long the end waits for clients to answer the closing of their WebSockets. */
const silentClientMs = 500;

/** The paths that are taken on each host: several servers of ours may share one. */
const takenPaths = new WeakMap<HostServer, Map<string, Take>>();

/**
 * Takes the WebSocket upgrades of one path from a host's HTTP server, and nothing else: requests, other upgrades,
 * time-outs and closing stay the host's.
 */
export class HostAttachment {
  readonly #host: HostServer;
  readonly #path: string;
  readonly #take: Take;
  readonly #sockets = new Set<Duplex>();
  #release: () => void = () => undefined;

  /** @param take - gets the upgrades of `path` */
  constructor(host: HostServer, path: string, take: Take) {
    this.#host = host;
    this.#path = path;
    this.#take = take;
  }

  /** The host's port; 0 as long as it does not listen on one. */
  get port(): number {
    const address = this.#host.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Throws where another server of ours has the path. */
  async listen(): Promise<void> {
    this.#release = takePath(this.#host, this.#path, (request, socket, head) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      this.#take(request, socket, head);
    });
  }

  /** Answers to requests are the host's; an upgrade is still taken, and refused with DRAINING. */
  goAway(): void {}

  /**
   * Gives the path back and closes the connections that came by it.
   *
   * @param stop - closes the WebSockets
   */
  async close(stop: () => Promise<void>): Promise<void> {
    this.#release();
    const closed = [...this.#sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve)));
    await stop();
    const cutSilent = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, silentClientMs);
    await Promise.all(closed);
    clearTimeout(cutSilent);
  }
}

function takePath(host: HostServer, path: string, take: Take): () => void {
  let paths = takenPaths.get(host);
  if (paths === undefined) {
    paths = new Map();
    takenPaths.set(host, paths);
  }
  if (paths.has(path)) {
    throw new Error(`another server takes the upgrades at ${path}: give one of the two another \`path\``);
  }
  paths.set(path, take);
  const taken = paths;
  const onUpgrade: Take = (request, socket, head) => {
    const asked = pathOf(request);
    if (asked === path) take(request, socket, head);
    // Node.js leaves an upgrade that a listener does not take open for ever; the first of us ends it for all of us.
    else if (!taken.has(asked) && path === first(taken) && host.listenerCount("upgrade") === taken.size) {
      refuseUpgrade(socket);
    }
  };
  host.on("upgrade", onUpgrade);
  return () => {
    host.off("upgrade", onUpgrade);
    taken.delete(path);
  };
}

const first = (paths: ReadonlyMap<string, Take>) => paths.keys().next().value;
