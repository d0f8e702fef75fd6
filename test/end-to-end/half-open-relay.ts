import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** TCP in front of Redis, on a line that can forget its connections as a NAT does. */
export interface HalfOpenRelay extends AsyncDisposable {
  readonly port: number;
  /**
   * From now on nothing comes through the connections that are open: Redis sees them close, the other end sees open
   * ones that stay silent. New connections work.
   */
  forget(): void;
}

export async function startHalfOpenRelay(targetPort: number): Promise<HalfOpenRelay> {
  const links = new Map<Socket, Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: targetPort, host: "127.0.0.1", noDelay: true });
    links.set(near, far);
    const isKnown = () => links.get(near) === far;
    near.on("data", (bytes) => isKnown() && far.write(bytes));
    far.on("data", (bytes) => isKnown() && near.write(bytes));
    far.on("close", () => isKnown() && near.destroy());
    near.on("close", () => {
      links.delete(near);
      far.destroy();
    });
    // An error is always followed by the close that passes it on.
    for (const socket of [near, far]) socket.on("error", () => undefined);
    open.add(near);
    near.once("close", () => open.delete(near));
  });
  const open = new Set<Socket>();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    forget() {
      for (const [near, far] of links) {
        links.delete(near);
        far.destroy();
      }
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const near of open) near.destroy();
      await closed;
    },
  };
}
