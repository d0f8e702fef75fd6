import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { seededRandom } from "./random.ts";
import { startRelay, type TcpRelay } from "./tcp-relay.ts";
import { waitFor } from "./wait.ts";

/** A server that sends back what it gets, and remembers how each of its connections ended. */
async function startEcho() {
  const ends: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", (error: NodeJS.ErrnoException) => ends.push(error.code ?? "error"));
    socket.on("end", () => ends.push("FIN"));
    socket.pipe(socket);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    ends,
    sockets,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function openClient(relay: TcpRelay) {
  const socket = connect({ port: relay.port, host: "127.0.0.1", noDelay: true });
  const client = { socket, received: "", packets: 0, ended: "" };
  socket.setEncoding("utf8").on("data", (text: string) => {
    client.received += text;
    client.packets += 1;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    client.ended = error.code ?? "error";
  });
  socket.on("end", () => {
    client.ended = "FIN";
  });
  return client;
}

async function echoed(client: ReturnType<typeof openClient>, text: string): Promise<void> {
  client.socket.write(text);
  await waitFor(() => client.received.endsWith(text), `the echo of ${text}`);
}

test("a reset reaches both ends as a reset", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(echo.port);
  const client = openClient(relay);
  await echoed(client, "hello");

  expect(relay.cutAll({ reset: true })).toBe(1);

  await waitFor(() => client.ended !== "" && echo.ends.length > 0, "both ends to notice");
  expect([client.ended, echo.ends]).toEqual(["ECONNRESET", ["ECONNRESET"]]);
  await waitFor(() => relay.connections === 0, "the relay to forget the connection");
});

test("a polite cut reaches both ends as the end of the stream", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(echo.port);
  const client = openClient(relay);
  await echoed(client, "hello");

  relay.cutAll({ reset: false });

  await waitFor(() => client.ended !== "" && echo.ends.length > 0, "both ends to notice");
  expect([client.ended, echo.ends]).toEqual(["FIN", ["FIN"]]);
});

test("a reset by one end is a reset for the other", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(echo.port);
  const client = openClient(relay);
  await echoed(client, "hello");

  client.socket.resetAndDestroy();

  await waitFor(() => echo.ends.length > 0, "the server to notice");
  expect(echo.ends).toEqual(["ECONNRESET"]);
});

test("the end of a stream arrives behind its last bytes", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(echo.port, { delayMs: 20, splitBytes: 3 });
  const client = openClient(relay);

  client.socket.end("the last words");

  await waitFor(() => client.ended !== "", "the server's end of the stream");
  expect([client.received, client.ended]).toEqual(["the last words", "FIN"]);
  await waitFor(() => relay.connections === 0, "the relay to forget the connection");
});

test("a black hole lets nothing pass in either direction until it heals, and loses nothing", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(echo.port);
  await using other = await startRelay(echo.port);
  const [silent, fence] = [openClient(relay), openClient(other)];
  await echoed(silent, "before;");

  relay.blackhole();
  silent.socket.write("up;");
  for (const socket of echo.sockets) socket.write("down;");
  // The fence: by the time the same has gone through another relay twice, it would have gone through this one.
  await echoed(fence, "one;");
  await echoed(fence, "two;");
  expect(silent.received).toBe("before;");

  relay.heal();
  await waitFor(() => silent.received.length === "before;down;up;".length, "what was held back");
  expect(silent.received).toBe("before;down;up;");
});

test("in a black hole neither end learns that the other one has gone", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(echo.port);
  await using other = await startRelay(echo.port);
  const [first, second, fence] = [openClient(relay), openClient(relay), openClient(other)];
  await echoed(first, "hello");
  await echoed(second, "hello");

  relay.blackhole();
  first.socket.resetAndDestroy();
  second.socket.destroy();
  await echoed(fence, "one;");
  await echoed(fence, "two;");
  expect(echo.ends).toEqual([]);

  relay.heal();
  await waitFor(() => echo.ends.length === 2, "both ends of connections");
  expect(echo.ends.sort()).toEqual(["ECONNRESET", "FIN"]);
});

test("a connection made into a black hole opens, is silent, and works once it heals", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(echo.port);
  await using other = await startRelay(echo.port);
  relay.blackhole();
  const client = openClient(relay);
  await once(client.socket, "connect");
  client.socket.write("hello");
  const fence = openClient(other);
  await echoed(fence, "one;");
  await echoed(fence, "two;");
  expect(client.received).toBe("");

  relay.heal();
  await waitFor(() => client.received === "hello", "the echo");
});

test("delay and small pieces change neither bytes nor order", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(echo.port, { delayMs: 15, splitBytes: 7, random: seededRandom(5) });
  const client = openClient(relay);
  const text = Array.from({ length: 200 }, (_, index) => `line ${index};`).join("");
  const startedMs = performance.now();
  client.socket.write(text.slice(0, 900));
  relay.delayMs = 1;
  client.socket.write(text.slice(900));

  await waitFor(() => client.received.length >= text.length, "the whole echo");
  expect(client.received).toBe(text);
  expect(client.packets).toBeGreaterThan(20);
  expect(performance.now() - startedMs).toBeGreaterThan(15);
});

test("more than the buffers hold passes whole through a slow reader", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(echo.port);
  const client = openClient(relay);
  const size = 8_000_000;
  client.socket.pause();
  client.socket.write("x".repeat(size));
  await waitFor(() => client.socket.bytesWritten > 100_000, "the line to fill");
  client.socket.resume();
  await waitFor(() => client.received.length >= size, "the whole echo");
  expect(client.received.length).toBe(size);
});

test("new connections follow the target, and a target that is not there refuses", async () => {
  await using echo = await startEcho();
  await using relay = await startRelay(1);
  const refused = openClient(relay);
  await waitFor(() => refused.ended !== "", "the refusal");
  expect(refused.ended).toBe("ECONNRESET");

  relay.targetPort = echo.port;
  await echoed(openClient(relay), "hello");
  expect([relay.accepted, relay.connections]).toEqual([2, 1]);
});

test("the same seed cuts the same connection", async () => {
  await using echo = await startEcho();
  const chosen: number[] = [];
  for (let run = 0; run < 2; run += 1) {
    await using relay = await startRelay(echo.port);
    const clients: ReturnType<typeof openClient>[] = [];
    for (let index = 0; index < 5; index += 1) {
      const client = openClient(relay);
      await echoed(client, "hello");
      clients.push(client);
    }
    expect(relay.cutOne(seededRandom(42))).toBe(true);
    await waitFor(() => clients.some((client) => client.ended !== ""), "one connection to end");
    chosen.push(clients.findIndex((client) => client.ended !== ""));
  }
  expect(chosen[0]).toBe(chosen[1]);
});
