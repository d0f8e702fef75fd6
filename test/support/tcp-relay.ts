import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { pick, type Random, seededRandom } from "./random.ts";
import { RelayDirection, type Weather } from "./relay-direction.ts";

export interface RelayOptions {
  readonly host?: string;
  /** Where the relay listens; default: chosen by the system. */
  readonly listenPort?: number;
  /** How long each piece is on its way, each direction, in milliseconds; default 0. */
  readonly delayMs?: number;
  /** Send pieces of 1 to so many bytes, each a packet of its own; default 0: as they come. */
  readonly splitBytes?: number;
  /** Decides the sizes of the pieces; default: always the same ones. */
  readonly random?: Random;
}

/** Starts a relay on loopback in front of `targetPort`. */
export async function startRelay(targetPort: number, options: RelayOptions = {}): Promise<TcpRelay> {
  const server = createServer({ allowHalfOpen: true, noDelay: true });
  const relay = new TcpRelay(server, targetPort, options);
  server.listen(options.listenPort ?? 0, "127.0.0.1");
  await once(server, "listening");
  return relay;
}

interface Link {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** TCP in front of a server, on a line that a test can delay, chop, silence and cut. */
export class TcpRelay implements AsyncDisposable {
  /** Where new connections go; existing ones stay where they are. */
  targetPort: number;
  /** All connections ever accepted. */
  accepted = 0;
  readonly #host: string;
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #directions = new Set<RelayDirection>();
  /** Resets that happened in a silence, to be passed on after it. */
  #heldBack: (() => void)[] = [];
  readonly #weather: { -readonly [Key in keyof Weather]: Weather[Key] };

  constructor(server: Server, targetPort: number, options: RelayOptions) {
    const { host = "127.0.0.1", delayMs = 0, splitBytes = 0, random = seededRandom(1) } = options;
    this.#server = server;
    this.targetPort = targetPort;
    this.#host = host;
    this.#weather = { delayMs, splitBytes, random, silent: false };
    server.on("connection", (client: Socket) => this.#accept(client));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Open connections. */
  get connections(): number {
    return this.#links.size;
  }

  set delayMs(delayMs: number) {
    this.#weather.delayMs = delayMs;
  }

  set splitBytes(splitBytes: number) {
    this.#weather.splitBytes = splitBytes;
  }

  /** Ends every connection, with a reset (RST) or with the polite FIN, and tells how many there were. */
  cutAll({ reset }: { readonly reset: boolean }): number {
    const links = [...this.#links];
    for (const link of links) this.#cut(link, reset);
    return links.length;
  }

  /** Resets one connection of the open ones; false when there is none. */
  cutOne(random: Random): boolean {
    const link = pick(random, [...this.#links]);
    if (link !== undefined) this.#cut(link, true);
    return link !== undefined;
  }

  /**
   * Lets nothing pass any more, not even the news that an end has closed: both ends see an open, silent connection.
   * New connections are accepted and stay silent too.
   */
  blackhole(): void {
    this.#weather.silent = true;
    this.#wake();
  }

  /** Ends the silence: everything held back passes, in order. */
  heal(): void {
    this.#weather.silent = false;
    for (const pass of this.#heldBack) pass();
    this.#heldBack = [];
    this.#wake();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.cutAll({ reset: true });
    await closed;
  }

  #accept(client: Socket): void {
    this.accepted += 1;
    const upstream = connect({ port: this.targetPort, host: this.#host, allowHalfOpen: true, noDelay: true });
    const link = { client, upstream };
    this.#links.add(link);
    const directions = [
      new RelayDirection(client, upstream, this.#weather),
      new RelayDirection(upstream, client, this.#weather),
    ];
    for (const direction of directions) this.#directions.add(direction);
    const onClose = () => {
      if (!client.destroyed || !upstream.destroyed) return;
      for (const direction of directions) this.#directions.delete(direction);
      this.#links.delete(link);
    };
    for (const socket of [client, upstream]) {
      const other = socket === client ? upstream : client;
      // A reset of one side arrives here as an error.
      socket.on("error", () => this.#pass(() => reset(other)));
      socket.on("close", onClose);
    }
  }

  #pass(news: () => void): void {
    if (this.#weather.silent) this.#heldBack.push(news);
    else news();
  }

  #cut({ client, upstream }: Link, isReset: boolean): void {
    for (const socket of [client, upstream]) {
      if (isReset) reset(socket);
      else socket.destroy();
    }
  }

  #wake(): void {
    for (const direction of this.#directions) direction.wake();
  }
}

/**
 * A reset, or, where the end of the stream is just being sent, no more than that end. Node.js 20 asks libuv to reset
 * such a socket all the same, does not hear that it refuses (EINVAL), and forgets the socket with its file descriptor
 * open: the other side never learns of it, and the process spins for ever when it ends.
 */
function reset(socket: Socket): void {
  if (socket.writableEnded && !socket.writableFinished) socket.destroy();
  else socket.resetAndDestroy();
}
