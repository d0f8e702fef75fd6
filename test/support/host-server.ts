import { once } from "node:events";
import { createServer as createHttpServer, type Server as HttpServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "@holdfast/client";
import { createServer, type ServerOptions } from "@holdfast/server";
import { WebSocket, WebSocketServer } from "ws";
import { contract, startRig, type TestApplication } from "./application-rig.ts";
import { uniquePrefix, uniqueRoom } from "./unique.ts";
import { waitFor } from "./wait.ts";

/** A host that listens, answers requests and takes WebSockets of its own at /hmr. */
interface Host extends AsyncDisposable {
  readonly http: HttpServer;
  readonly url: string;
  /** Opens a WebSocket at a path; resolves to what the host says on it first, or to how it was refused. */
  greeting(path: string): Promise<string>;
}

export async function startHost(listener: RequestListener, { webSockets = true } = {}): Promise<Host> {
  const http = createHttpServer(listener);
  http.keepAliveTimeout = 1_234;
  const webSocketServer = new WebSocketServer({ noServer: true });
  webSocketServer.on("connection", (socket) => socket.send("hello from the host"));
  if (webSockets) {
    http.on("upgrade", (request, socket, head) => {
      if (request.url !== "/hmr") return;
      webSocketServer.handleUpgrade(request, socket, head, (ws) => webSocketServer.emit("connection", ws));
    });
  }
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const opened: WebSocket[] = [];
  return {
    http,
    url,
    greeting(path) {
      const socket = new WebSocket(`${url.replace("http", "ws")}${path}`);
      opened.push(socket);
      return new Promise((resolve) => {
        socket.once("message", (data) => resolve(String(data)));
        socket.once("error", (error) => resolve(error.message));
      });
    },
    async [Symbol.asyncDispose]() {
      for (const socket of opened) socket.terminate();
      http.closeAllConnections();
      http.close();
      webSocketServer.close();
    },
  };
}

/** A server on a Redis of its own that is attached to a host, or to none. */
export async function startAttached(options: ServerOptions, application: TestApplication = {}) {
  const rig = await startRig();
  const settings = { redisUrl: rig.redis.url, keyPrefix: uniquePrefix(), drainSeconds: 0, port: 0 };
  const server = await createServer({ contract, ...application }, { settings, ...options });
  return {
    server,
    settings,
    async [Symbol.asyncDispose]() {
      await server.close();
      await rig[Symbol.asyncDispose]();
    },
  };
}

export async function text(url: string): Promise<string> {
  return (await fetch(url)).text();
}

/** Joins, publishes and hears itself. */
export async function talk(url: string, socket: { path?: string } = {}): Promise<void> {
  const client = connect<typeof contract>(url, { socket });
  try {
    const room = client.join(uniqueRoom());
    const heard: string[] = [];
    room.on("note:added", (data) => heard.push(data.text));
    await room.publish("note:added", { text: "hi" });
    await waitFor(() => heard.length === 1, "one's own message");
  } finally {
    await client.close();
  }
}
