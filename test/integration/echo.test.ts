import { once } from "node:events";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { startInstances } from "../support/instances.ts";
import { connectStock } from "../support/stock-client.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

async function open(at: string, path: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`${at.replace("http", "ws")}${path}`, { headers });
  socket.on("error", () => undefined);
  const refused = new Promise<number>((resolve) => {
    socket.once("unexpected-response", (_request, answer) => resolve(answer.statusCode ?? 0));
  });
  const status = await withTimeout(
    Promise.race([once(socket, "open").then(() => 101), refused]),
    `an answer at ${path}`,
  );
  const closed = new Promise<number>((resolve) => {
    socket.once("close", resolve);
  });
  return {
    status,
    socket,
    closed,
    ask: async (data: string | Buffer) => {
      const answer = once(socket, "message");
      socket.send(data);
      const [echoed, isBinary] = await withTimeout(answer, "the echo");
      return isBinary ? echoed : String(echoed);
    },
    [Symbol.dispose]: () => socket.terminate(),
  };
}

test("a plain WebSocket at /echo gives back text and bytes, and any other that is nobody's gets 404 at once", async () => {
  await using instances = await startInstances(1);
  const at = instances.url(0);
  using plain = await open(at, "/echo?any=thing");
  expect(await plain.ask("hello")).toBe("hello");
  expect(await plain.ask(Buffer.from([1, 2, 3]))).toEqual(Buffer.from([1, 2, 3]));
  for (const path of ["/", "/echo/", "/rooms/lobby", "/socket.iox"]) {
    const startedMs = performance.now();
    using other = await open(at, path);
    expect(other.status, path).toBe(404);
    expect(performance.now() - startedMs, path).toBeLessThan(500);
  }
});

test("an echo is bounded: a large message, a flood and too many connections are refused, and others are served", async () => {
  await using instances = await startInstances(1);
  const at = instances.url(0);
  using large = await open(at, "/echo");
  large.socket.send("x".repeat(20_000));
  expect(await withTimeout(large.closed, "the large one to be closed")).toBe(1009);
  using flood = await open(at, "/echo");
  for (let sent = 0; sent < 1_100; sent += 1) flood.socket.send("x");
  expect(await withTimeout(flood.closed, "the flood to be cut")).toBe(1006);

  const many = await Promise.all(Array.from({ length: 20 }, () => open(at, "/echo")));
  expect(many.map(({ status }) => status)).toEqual(many.map(() => 101));
  expect((await open(at, "/echo")).status).toBe(503);
  using honest = await connectStock(at);
  expect(honest.connected).toBe(true);
  for (const { socket } of many) socket.terminate();
  await waitFor(async () => {
    using again = await open(at, "/echo");
    return again.status === 101;
  }, "the places to be free again");
});

test("a page of another origin is refused, and the end of the server says goodbye", async () => {
  await using instances = await startInstances(1, { env: { ALLOWED_ORIGINS: "https://app.example" } });
  const at = instances.url(0);
  expect((await open(at, "/echo", { origin: "https://evil.example" })).status).toBe(403);
  using own = await open(at, "/echo", { origin: "https://app.example" });
  expect(await own.ask("hello")).toBe("hello");
  const [server] = instances.servers;
  expect(await server?.stop()).toEqual({ code: 0, signal: null });
  expect(await withTimeout(own.closed, "the goodbye")).toBe(1001);
});
