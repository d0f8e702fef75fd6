import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { ConnectOptions, HoldfastError, Status } from "@holdfast/client";
import { Server, type Socket } from "socket.io";
import { NodeWebSocket } from "socket.io-client";
import { expect, test } from "vitest";
import { FIRST_RETRY_MS } from "../../client/src/backoff.ts";
import { type ChatClient, connectChat } from "../support/chat.ts";
import { recordStatus } from "../support/client-rig.ts";
import { waitFor } from "../support/wait.ts";

/** What a handshake gets: its index is 0 for the first one. */
type Admission = (index: number, admit: (refusal?: Error) => void, socket: Socket) => void;

interface Door extends AsyncDisposable {
  readonly client: ChatClient;
  readonly statuses: readonly Status[];
  readonly errors: readonly HoldfastError[];
  /** WebSockets that were ever opened, and those of them that are open now. */
  readonly opened: () => number;
  readonly open: () => number;
  /** Handshakes that were ever received. */
  readonly handshakes: () => number;
  /** Cuts every WebSocket without a goodbye. */
  cut(): void;
  /** The browser's `online`. */
  online(): void;
}

/** A Socket.IO server that does no more than admit or refuse, and a client of it. */
async function openDoor(admission: Admission, options: ConnectOptions = {}): Promise<Door> {
  const http: HttpServer = createServer();
  const io = new Server(http, { transports: ["websocket"], serveClient: false });
  let opened = 0;
  let handshakes = 0;
  const sockets = new Set<{ close(): void }>();
  io.engine.on("connection", (engine: { close(): void; once(event: "close", handler: () => void): void }) => {
    opened++;
    sockets.add(engine);
    engine.once("close", () => sockets.delete(engine));
  });
  io.use((socket, next) => admission(handshakes++, next, socket));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");

  const onlineHint = new EventTarget();
  const client = connectChat(`http://127.0.0.1:${(http.address() as AddressInfo).port}`, { ...options, onlineHint });
  const errors: HoldfastError[] = [];
  client.on("error", (error) => errors.push(error));
  return {
    client,
    statuses: recordStatus(client),
    errors,
    opened: () => opened,
    open: () => sockets.size,
    handshakes: () => handshakes,
    cut: () => {
      for (const socket of [...sockets]) socket.close();
    },
    online: () => void onlineHint.dispatchEvent(new Event("online")),
    async [Symbol.asyncDispose]() {
      await client.close();
      await io.close();
    },
  };
}

/** A refusal as the server words it. */
function refusal(retryAfterMs: number, code = "SERVER_FULL"): Error {
  return Object.assign(new Error("refused"), {
    data: { code, message: "refused", retryable: true, retryAfterMs },
  });
}

/** A token function whose first call fails when told to; the others succeed. */
function slowToken() {
  let fail: (() => void) | undefined;
  return {
    token: () => {
      if (fail) return "token";
      return new Promise<string>((_, reject) => {
        fail = () => reject(new Error("too late"));
      });
    },
    isAsked: () => fail !== undefined,
    fail: () => fail?.(),
  };
}

const isConnected = ({ client }: Door) => waitFor(() => client.status === "connected", "the client to be connected");

/**
 * A timer of the client that was set before, for `delayMs` at most, has run when this resolves, as timers of one process
 * run in the order of their times; what it did is told to the client's owner before it returns.
 */
const timersRan = (delayMs: number) => delay(delayMs + 1);

test("a refused client that tries at once because it is online makes no other attempt later", async () => {
  const retryAfterMs = 1000;
  await using door = await openDoor((index, admit) => admit(index === 0 ? refusal(retryAfterMs) : undefined));
  await waitFor(() => door.errors.length === 1, "the refusal");
  door.online();
  await isConnected(door);
  await timersRan(retryAfterMs);
  expect(door.statuses).toEqual(["connecting", "connected"]);
  expect(door.opened()).toBe(2);
});

test("an instance that goes away is no error of the application: another attempt is made", async () => {
  await using door = await openDoor((index, admit) => admit(index === 0 ? refusal(1, "DRAINING") : undefined));
  await isConnected(door);
  expect(door.errors).toEqual([]);
  expect(door.opened()).toBe(2);
});

test("being online again and again makes one attempt, and none while connected", async () => {
  await using door = await openDoor((index, admit) => admit(index === 0 ? refusal(60_000) : undefined));
  await waitFor(() => door.errors.length === 1, "the refusal");
  for (let count = 0; count < 5; count++) door.online();
  await isConnected(door);
  door.online();
  await timersRan(0);
  expect(door.statuses).toEqual(["connecting", "connected"]);
  expect(door.opened()).toBe(2);
});

test("an application that tries at once when it is told of a refusal is not held up by the delay", async () => {
  await using door = await openDoor((index, admit) => admit(index === 0 ? refusal(60_000) : undefined));
  door.client.on("error", () => door.online());
  await isConnected(door);
  expect(door.opened()).toBe(2);
});

test("a token function that fails after its attempt was replaced causes no error", async () => {
  const { token, isAsked, fail } = slowToken();
  await using door = await openDoor((_, admit) => admit(), { token });
  await waitFor(isAsked, "the first call of token()");
  door.online();
  await isConnected(door);
  fail();
  await timersRan(FIRST_RETRY_MS);
  expect(door.errors).toEqual([]);
  expect(door.statuses).toEqual(["connecting", "connected"]);
  expect(door.opened()).toBe(2);
});

test("a token that fails after its attempt was cut leaves the next attempt to Socket.IO", async () => {
  const { token, isAsked, fail } = slowToken();
  let cuts = 0;
  class WatchedWebSocket extends NodeWebSocket {
    override onClose(...details: Parameters<NodeWebSocket["onClose"]>) {
      super.onClose(...details);
      cuts++;
    }
  }
  await using door = await openDoor((_, admit) => admit(), { token, socket: { transports: [WatchedWebSocket] } });
  await waitFor(isAsked, "the first call of token()");
  door.cut();
  await waitFor(() => cuts === 1, "the client to notice the cut");
  fail();
  await isConnected(door);
  await timersRan(FIRST_RETRY_MS);
  expect(door.errors).toEqual([]);
  expect(door.statuses).toEqual(["connecting", "connected"]);
  expect(door.opened()).toBe(2);
});

test("a handshake without an answer times out, and another one is attempted", async () => {
  const timeout = 1000;
  await using door = await openDoor((index, admit) => index > 0 && admit(), { socket: { timeout } });
  await isConnected(door);
  await timersRan(timeout);
  expect(door.handshakes()).toBe(2);
  expect(door.open()).toBe(1);
  expect(door.statuses).toEqual(["connecting", "connected"]);
});

test("a handshake that is cut before its answer is left to Socket.IO, which comes back in its own time", async () => {
  const reconnectionDelay = 2000;
  const handshakesAtMs: number[] = [];
  await using door = await openDoor(
    (index, admit, socket) => {
      handshakesAtMs.push(performance.now());
      if (index === 0) socket.conn.close();
      else admit();
    },
    // Patience with the first handshake would end within the delay.
    { socket: { timeout: reconnectionDelay / 2, reconnectionDelay, randomizationFactor: 0 } },
  );
  await isConnected(door);
  const [first = 0, second = 0] = handshakesAtMs;
  expect(second - first).toBeGreaterThan(reconnectionDelay * 0.9);
  expect(door.handshakes()).toBe(2);
  expect(door.statuses).toEqual(["connecting", "connected"]);
});

test("while nobody answers, a client asks again before two seconds are over, each time", {
  timeout: 40_000,
}, async () => {
  const askedAtMs: number[] = [];
  const nobody = createTcpServer((connection) => {
    askedAtMs.push(performance.now());
    connection.destroy();
  }).listen(0, "127.0.0.1");
  await once(nobody, "listening");
  const client = connectChat(`http://127.0.0.1:${(nobody.address() as AddressInfo).port}`);
  // With Socket.IO's own delays, most of them are of five seconds from the fifth on.
  await waitFor(() => askedAtMs.length >= 10, "ten attempts", 30_000);
  await client.close();
  nobody.close();
  const pausesMs = askedAtMs.slice(1).map((atMs, index) => atMs - (askedAtMs[index] ?? 0));
  expect(Math.max(...pausesMs)).toBeLessThan(4_000);
});

test("a client that the server disconnected comes back once", async () => {
  let sockets: Socket[] = [];
  await using door = await openDoor((_, admit, socket) => {
    sockets = [...sockets, socket];
    admit();
  });
  await isConnected(door);
  sockets[0]?.disconnect();
  await waitFor(() => door.client.status === "reconnecting", "the client to notice");
  await isConnected(door);
  await timersRan(FIRST_RETRY_MS);
  expect(door.statuses).toEqual(["connecting", "connected", "reconnecting", "connected"]);
  expect(door.opened()).toBe(2);
});

test("a client that is closed between two attempts makes no other", async () => {
  await using door = await openDoor((_, admit) => admit(refusal(1000)));
  await waitFor(() => door.errors.length === 1, "the refusal");
  await door.client.close();
  await timersRan(1000);
  door.online();
  await timersRan(0);
  expect(door.client.status).toBe("closed");
  expect(door.opened()).toBe(1);
});

test("a client that is closed while Socket.IO waits to come back never does", async () => {
  await using door = await openDoor((_, admit) => admit());
  await isConnected(door);
  door.cut();
  await waitFor(() => door.client.status === "reconnecting", "the client to notice the cut");
  await door.client.close();
  await timersRan(FIRST_RETRY_MS);
  expect(door.statuses).toEqual(["connecting", "connected", "reconnecting", "closed"]);
  expect(door.opened()).toBe(1);
});
