import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { ConnectOptions } from "@holdfast/client";
import { Server } from "socket.io";
import { type ChatClient, connectChat } from "./chat.ts";

/** One request as the server got it. */
interface Asked {
  readonly name: string;
  readonly payload: { readonly room?: string };
}

export interface ScriptedServer extends AsyncDisposable {
  readonly client: ChatClient;
  /** Every request so far, in the order of arrival. */
  readonly asked: readonly Asked[];
  /** How many of them had this name. */
  count(name: string): number;
  /** Tells the client something, whatever it is. */
  tell(name: string, ...args: unknown[]): void;
  /** Cuts the connection without a goodbye; the client comes back by itself. */
  cut(): void;
}

/** A script's answer to a request; undefined leaves it to the server, which says that all went well. */
type Script = (asked: Asked, count: number) => unknown;

/** A page of a room in which nothing was said. */
const emptyPage = { position: "0-0", recovered: true, messages: [], complete: true };

export const refusal = (code: string, retryAfterMs?: number) => ({
  ok: false,
  error: { code, message: code, retryable: true, ...(retryAfterMs !== undefined && { retryAfterMs }) },
});

/** A `message:published` with these messages, the first ones of an epoch that follows an empty log. */
export function publishedBatch(room: string, texts: readonly string[], epochMs = 7, firstSeq = 0) {
  const messages = texts.map((text, index) => {
    const position = `${epochMs}-${firstSeq + index}`;
    const from = { user: null, session: null };
    return { position, id: `message-${position}`, event: "chat:message", data: { text }, from, sentAtMs: Date.now() };
  });
  return { room, previous: firstSeq === 0 ? "0-0" : `${epochMs}-${firstSeq - 1}`, messages };
}

/**
 * A Socket.IO server that answers as a test wants it, and a client of it: for what no server of this version says, and
 * for answers that have to come at a chosen moment. A script that returns a promise decides when the answer goes out.
 */
export async function startScriptedServer(
  script: Script = () => undefined,
  options?: ConnectOptions,
): Promise<ScriptedServer> {
  const http = createServer();
  const io = new Server(http, { transports: ["websocket"], serveClient: false });
  const asked: Asked[] = [];
  const count = (name: string) => asked.filter((one) => one.name === name).length;
  io.on("connection", (socket) => {
    socket.onAny(async (name: string, payload: Asked["payload"], acknowledge: (answer: unknown) => void) => {
      const one = { name, payload };
      asked.push(one);
      const data = name === "room:join" || name === "history:read" ? emptyPage : {};
      acknowledge((await script(one, count(name))) ?? { ok: true, data });
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const client = connectChat(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, options);
  return {
    client,
    asked,
    count,
    tell: (name, ...args) => void io.emit(name, ...args),
    cut: () => {
      for (const socket of io.sockets.sockets.values()) socket.conn.close();
    },
    async [Symbol.asyncDispose]() {
      await client.close();
      await io.close();
    },
  };
}
