import { connect as connectTcp, type Socket } from "node:net";
import { limits } from "../../../client/src/protocol/limits.ts";
import { openFrames, textFrame } from "../../support/raw-frames.ts";
import { sessionId } from "../../support/unique.ts";
import type { Victim } from "./attack.ts";

const OF_EACH_KIND = 25;
const DRIP_MS = 200;

const upgrade = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n";
const post = (token: string, rest: string) =>
  `POST /rooms/attacked-0/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n${rest}`;

/** Connections that are begun and never finished, while everything else goes on: each is an input. */
export async function holdHalfOpen({ url, token }: Victim): Promise<Disposable & { readonly inputs: number }> {
  const { hostname, port } = new URL(url);
  const beginnings = [
    upgrade,
    "GET",
    "",
    post(token, "Content-Length: 100000\r\n\r\n{"),
    post(token, "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"),
  ];
  const sockets = beginnings.flatMap((beginning) =>
    Array.from({ length: OF_EACH_KIND }, () => begin(connectTcp(Number(port), hostname), beginning)),
  );
  const auth = JSON.stringify({ protocol: limits.protocolVersion, session: sessionId(), token });
  const webSockets = await Promise.all(
    Array.from({ length: 2 * OF_EACH_KIND }, async (_, index) => {
      const raw = await openFrames(url);
      // Half of them are admitted, and answer to no ping of the server.
      if (index % 2 === 0) await raw.write(textFrame(`40${auth}`));
      return raw;
    }),
  );
  const drip = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write("1");
  }, DRIP_MS);
  return {
    inputs: sockets.length + webSockets.length,
    [Symbol.dispose]() {
      clearInterval(drip);
      for (const socket of sockets) socket.destroy();
      for (const raw of webSockets) raw[Symbol.dispose]();
    },
  };
}

function begin(socket: Socket, beginning: string): Socket {
  socket.on("error", () => undefined);
  socket.resume();
  socket.write(beginning);
  return socket;
}
