import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import * as stock from "engine.io-client";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import * as own from "../../client/src/wire/engine-socket.ts";
import { waitFor } from "../support/wait.ts";

// What stands in for Engine.IO's client in a browser's bundle is held against it: the same server, the same events.

interface Engine {
  on(event: string, listener: (...args: never[]) => void): unknown;
  write(text: string): unknown;
  close(): unknown;
  _hasPingExpired(): boolean;
  readonly readyState: string;
  readonly id?: string | null | undefined;
}
type Options = Readonly<Record<string, unknown>>;

const engines = {
  stock: (uri: string, options: Options): Engine =>
    new stock.Socket(uri, { ...options, transports: ["websocket"] }) as unknown as Engine,
  own: (uri: string, options: Options & { readonly path: string }): Engine =>
    new own.Socket(uri, options) as unknown as Engine,
};

const socketIo = { path: "/socket.io" };
const greeting = (pingInterval = 25_000, pingTimeout = 20_000) =>
  `0${JSON.stringify({ sid: "an-id", upgrades: [], pingInterval, pingTimeout, maxPayload: 1e6 })}`;

beforeAll(() => {
  vi.stubGlobal("WebSocket", WebSocket);
});
afterAll(() => {
  vi.unstubAllGlobals();
});

/** A WebSocket server of its own port. */
async function serve(onConnection: (socket: WebSocket, request: IncomingMessage) => void) {
  const server = new WebSocketServer({ port: 0 });
  server.on("connection", onConnection);
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.dispose]() {
      for (const socket of server.clients) socket.terminate();
      server.close();
    },
  };
}

/** What an engine tells, and what the server is told, until `isOver` of both. */
async function conversation(
  open: (uri: string, options: typeof socketIo) => Engine,
  onConnection: (socket: WebSocket) => void,
  act: (engine: Engine, event: string) => void,
  isOver: (told: readonly string[], heard: readonly string[]) => boolean,
) {
  const told: string[] = [];
  const heard: string[] = [];
  using server = await serve((socket) => {
    socket.on("message", (text) => heard.push(`${text}`));
    socket.on("close", () => heard.push("closed"));
    onConnection(socket);
  });
  const engine = open(`ws://127.0.0.1:${server.port}`, socketIo);
  for (const event of ["open", "ping", "data", "error", "close"]) {
    engine.on(event, (...args: unknown[]) => {
      told.push([event, ...args.filter((arg) => typeof arg === "string" && arg !== "")].join(" "));
      act(engine, event);
    });
  }
  using _ = { [Symbol.dispose]: () => void engine.close() };
  await waitFor(() => isOver(told, heard), "the conversation's end");
  return { told: [...told], heard: [...heard], readyState: engine.readyState, id: engine.id ?? undefined };
}

const nothing = () => undefined;
const isClosed = (told: readonly string[], heard: readonly string[]) =>
  told.some((event) => event.startsWith("close")) && heard.includes("closed");

const conversations: Readonly<
  Record<string, Parameters<typeof conversation> extends [unknown, ...infer Rest] ? Rest : never>
> = {
  "a greeting and messages": [
    (socket) => {
      for (const text of [greeting(), "4one", "4", "4three", "6", "5"]) socket.send(text);
    },
    nothing,
    (told) => told.includes("data three"),
  ],
  "what is written in one turn": [
    (socket) => socket.send(greeting()),
    (engine, event) => {
      if (event === "open") for (const text of ["one", "", "three ä 😀"]) engine.write(text);
    },
    (_told, heard) => heard.length === 3,
  ],
  "a ping": [
    (socket) => {
      socket.send(greeting());
      socket.send("2");
    },
    nothing,
    (_told, heard) => heard.includes("3"),
  ],
  "a server that pings no more": [(socket) => socket.send(greeting(20, 30)), nothing, isClosed],
  "a ping that is overdue while timers stand still": [
    (socket) => socket.send(greeting()),
    (engine, event) => {
      if (event !== "open") return;
      expect(engine._hasPingExpired()).toBe(false);
      setImmediate(() => {
        // The greeting's times end in 45 s.
        const now = vi.spyOn(Date, "now").mockReturnValue(Date.now() + 46_000);
        expect(engine._hasPingExpired()).toBe(true);
        now.mockRestore();
      });
    },
    isClosed,
  ],
  "a server that closes": [
    (socket) => {
      socket.send(greeting());
      socket.close(1001);
    },
    nothing,
    isClosed,
  ],
  "a server that is cut": [
    (socket) => {
      socket.send(greeting());
      setImmediate(() => socket.terminate());
    },
    nothing,
    isClosed,
  ],
  "a server that closes before its greeting": [(socket) => socket.close(), nothing, isClosed],
  "a packet of no known type": [
    (socket) => {
      socket.send(greeting());
      socket.send("9");
    },
    nothing,
    isClosed,
  ],
  "a client that closes": [
    (socket) => socket.send(greeting()),
    (engine, event) => {
      if (event !== "open") return;
      engine.close();
      engine.close();
      engine.write("too late");
    },
    isClosed,
  ],
};

test.each(Object.entries(conversations))("%s: both tell and send the same", async (_what, script) => {
  const [theirs, ours] = [await conversation(engines.stock, ...script), await conversation(engines.own, ...script)];
  expect(theirs.told.length + theirs.heard.length).toBeGreaterThan(0);
  expect(ours).toEqual(theirs);
});

test.each(Object.entries(engines))("%s: a server that is not there is an error, and the end", async (_name, open) => {
  const engine = open("http://127.0.0.1:9", socketIo);
  const told: string[] = [];
  for (const event of ["error", "close"]) engine.on(event, () => told.push(event));
  await waitFor(() => told.includes("close"), "the end");
  expect(told).toEqual(["error", "close"]);
  expect(engine.readyState).toBe("closed");
});

test.each([
  ["http://127.0.0.1:{port}", { path: "/socket.io" }],
  ["ws://127.0.0.1:{port}/", { path: "/socket.io/" }],
  ["http://127.0.0.1:{port}", { path: "/chat/socket.io", addTrailingSlash: false }],
  ["http://127.0.0.1:{port}?zone=a&b=c%20d", { path: "/socket.io" }],
  ["http://127.0.0.1:{port}", { path: "/socket.io", query: { zone: "a b", room: "ä" } }],
  ["http://127.0.0.1:{port}", { path: "/socket.io", query: "zone=a&signature=ab+c/d==" }],
  ["http://127.0.0.1:{port}?signature=ab+c/d==&a=1&a=2", { path: "/socket.io" }],
  ["http://ann:secret@127.0.0.1:{port}#part", { path: "/socket.io" }],
])("%s with %j: both ask for the same address", async (uri, options) => {
  const asked: unknown[] = [];
  using server = await serve((socket, { url = "", headers: { authorization } }) => {
    const { pathname, searchParams } = new URL(url, "http://localhost");
    asked.push({ path: pathname, query: [...searchParams].toSorted(), authorization });
    socket.terminate();
  });
  for (const open of Object.values(engines)) open(uri.replace("{port}", `${server.port}`), { ...options });
  await waitFor(() => asked.length === 2, "both to ask");
  expect(asked[0]).toEqual(asked[1]);
});

const ended = async (engine: Engine) => {
  const told: string[] = [];
  for (const event of ["open", "data", "error", "close"]) engine.on(event, () => told.push(event));
  await waitFor(() => told.includes("close"), "the end");
  return told;
};

test("a connection that is closed while it is being opened ends once, and throws nothing", async () => {
  using server = await serve((socket) => socket.send(greeting()));
  const engine = engines.own(`ws://127.0.0.1:${server.port}`, socketIo);
  const told: string[] = [];
  for (const event of ["open", "error", "close"]) engine.on(event, () => told.push(event));
  engine.close();
  engine.close();
  // What is thrown late would come before the answer of another connection.
  const other = engines.own(`ws://127.0.0.1:${server.port}`, socketIo);
  await waitFor(() => other.readyState === "open", "another connection");
  other.close();
  expect(told).toEqual(["close"]);
});

test("an address that cannot be used is an error, told once somebody can listen", async () => {
  expect(await ended(engines.own("http://localhost:99999", socketIo))).toEqual(["error", "close"]);
});

test.each([
  ["is not JSON", "0{"],
  ["are bytes", new Uint8Array([48])],
])("a greeting whose text %s is an error, and the end", async (_what, text) => {
  using server = await serve((socket) => socket.send(text));
  expect(await ended(engines.own(`ws://127.0.0.1:${server.port}`, socketIo))).toEqual(["error", "close"]);
});

test("where the browser goes offline, connections end at once, but for those to localhost", async () => {
  const listeners = new Map<string, () => void>();
  vi.stubGlobal("addEventListener", (event: string, listener: () => void) => listeners.set(event, listener));
  vi.resetModules();
  const { Socket } = await import("../../client/src/wire/engine-socket.ts");
  using server = await serve((socket) => socket.send(greeting()));
  const [remote, local] = ["127.0.0.1", "localhost"].map((host) => new Socket(`ws://${host}:${server.port}`, socketIo));
  if (!remote || !local) throw new Error("two sockets were made");
  await waitFor(() => remote.readyState === "open" && local.readyState === "open", "both to be open");
  const reasons: string[] = [];
  remote.on("close", (reason) => reasons.push(reason));
  listeners.get("offline")?.();
  expect(reasons).toEqual(["transport close"]);
  expect(local.readyState).toBe("open");
  local.close();
});
