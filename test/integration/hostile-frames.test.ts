import { connect as connectTcp } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { faultsOf, type Instances, startInstances } from "../support/instances.ts";
import { controlFrame, openFrames } from "../support/raw-frames.ts";
import { connectRaw } from "../support/raw-websocket.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

// What a WebSocket costs below Engine.IO, where no packet is ever seen. Each attack is one that worked.

/** Far more than the buffers on the way hold. */
const FLOOD_BYTES = 64 * 2 ** 20;

let instances: Instances;

beforeAll(async () => {
  instances = await startInstances(1);
});

afterAll(async () => {
  const faults = instances.servers.flatMap(faultsOf);
  await instances[Symbol.asyncDispose]();
  expect(faults).toEqual([]);
});

// The server answers each ping, and keeps the answers in memory as long as they are not read.
test.each(["ping", "pong"] as const)("a connection that floods with %s frames is cut", async (kind) => {
  using raw = await openFrames(instances.url(0));
  raw.pause();
  const flood = Buffer.concat(Array.from({ length: 1_000 }, () => controlFrame(kind, "x".repeat(125))));
  const sending = async () => {
    for (let sentBytes = 0; sentBytes < FLOOD_BYTES && !raw.isClosed; sentBytes += flood.length) await raw.write(flood);
  };
  await withTimeout(sending(), "the flood to be taken");
  await withTimeout(raw.closed, "the server to cut the connection", 5_000);
});

test("a flood of pings on one connection takes nothing from another", async () => {
  using other = await connectRaw(instances.url(0));
  using raw = await openFrames(instances.url(0));
  await raw.write(Buffer.concat(Array.from({ length: 100_000 }, () => controlFrame("ping", ""))));
  await withTimeout(raw.closed, "the server to cut the connection");
  expect(await other.request("echo", 1)).toEqual({ ok: true, data: 1 });
  const cuts = instances.servers.flatMap(({ logs }) => logs.filter(({ msg }) => msg === "connection cut"));
  // One line a connection, however many frames lay in the same bytes.
  expect(cuts.length).toBeLessThanOrEqual(3);
});

test("a client that sends a ping from time to time is answered, and stays", async () => {
  using raw = await openFrames(instances.url(0));
  for (let number = 0; number < 50; number += 1) {
    await raw.write(controlFrame("ping", String(number)));
    await raw.sees("pong", String(number));
  }
});

test.each([
  ["", "on a fresh connection"],
  ["GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "behind an answered request"],
])("an upgrade that is not Socket.IO's is refused, and its connection closed: %j, %s", async (before) => {
  const { port } = new URL(instances.url(0));
  // It reads and does not end the connection by itself, as a hostile client may.
  const socket = connectTcp({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true });
  let answer = "";
  socket.on("error", () => undefined);
  socket.on("data", (bytes: Buffer) => {
    answer += bytes.toString("latin1");
  });
  const hasReset = () => {
    socket.write("x");
    return socket.destroyed;
  };
  if (before !== "") {
    socket.write(before);
    await waitFor(() => answer.includes('"status"'), "the answer to the request before");
  }
  socket.write("GET /other HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
  await waitFor(() => /HTTP\/1\.1 404/.test(answer), "the refusal");
  // A connection that is half closed would take what is written to it for ever.
  await waitFor(hasReset, "the server to close its end");
});
