import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Badness {
  /** Cuts a connection on which nothing has passed for so long. */
  readonly idleMs?: number;
  /** Cuts every connection at this age. */
  readonly lifeMs?: number;
  /** Holds back what comes from the server for so long, once the connection is a WebSocket. */
  readonly holdMs?: number;
  /** Lets no byte from the server pass once the connection is a WebSocket. */
  readonly isMute?: boolean;
}

export interface BadProxy extends AsyncDisposable {
  readonly url: string;
}

/** A TCP proxy in front of a server that does to connections what proxies, balancers and platforms do. */
export async function startBadProxy(targetPort: number, badness: Badness): Promise<BadProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => relay(client, connect(targetPort, "127.0.0.1"), badness, sockets));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function relay(client: Socket, upstream: Socket, badness: Badness, sockets: Set<Socket>): void {
  const { idleMs = 0, lifeMs = 0, holdMs = 0, isMute = false } = badness;
  let isWebSocket = false;
  const cut = () => {
    client.destroy();
    upstream.destroy();
  };
  if (lifeMs > 0) setTimeout(cut, lifeMs);
  for (const socket of [client, upstream]) {
    sockets.add(socket);
    socket.setNoDelay(true).setTimeout(0);
    socket.on("error", cut).on("close", () => {
      sockets.delete(socket);
      cut();
    });
  }
  // Bytes of either direction keep it alive.
  if (idleMs > 0) client.setTimeout(idleMs, cut);
  client.on("data", (bytes: Buffer) => upstream.write(bytes));
  upstream.on("data", (bytes: Buffer) => {
    if (!isWebSocket) {
      const head = bytes.indexOf("\r\n\r\n") + 4;
      isWebSocket = bytes.toString("latin1").startsWith("HTTP/1.1 101");
      client.write(isWebSocket ? bytes.subarray(0, head) : bytes);
      if (!isWebSocket || head === bytes.length) return;
      bytes = bytes.subarray(head);
    }
    if (!isMute) setTimeout(() => client.writable && client.write(bytes), holdMs);
  });
}
