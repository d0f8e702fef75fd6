import { connect as connectTcp } from "node:net";
import { describe, expect, test } from "vitest";
import { messageId } from "../support/unique.ts";
import { withTimeout } from "../support/wait.ts";
import { type AuthRig, startAuthRig } from "./auth-rig.ts";

const body = () => JSON.stringify({ id: messageId(), event: "said", data: "hello" });

/** Sends a request's head at once and its body a byte at a time. Tells what came back until the connection was closed. */
async function drip(rig: AuthRig, token: string, framing: "length" | "chunks", everyMs: number): Promise<string> {
  const { hostname, port } = new URL(rig.server.url);
  const socket = connectTcp(Number(port), hostname);
  let received = "";
  socket.on("data", (bytes) => {
    received += String(bytes);
  });
  // What is sent after the end is answered with a reset.
  socket.on("error", () => undefined);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const text = body();
  const length = framing === "length" ? `Content-Length: ${text.length}` : "Transfer-Encoding: chunked";
  socket.write(`POST /rooms/lobby/messages HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${token}\r\n${length}\r\n\r\n`);
  let sent = 0;
  const timer = setInterval(() => {
    const byte = text[sent];
    sent += 1;
    if (byte === undefined || !socket.writable) return;
    socket.write(framing === "length" ? byte : `1\r\n${byte}\r\n`);
  }, everyMs);
  try {
    await withTimeout(closed, "the connection to be closed", 25_000);
  } finally {
    clearInterval(timer);
    socket.destroy();
  }
  return received;
}

describe.concurrent("over HTTP", () => {
  test.each(["length", "chunks"] as const)(
    "a body that comes a byte at a time is given up, and its connection closed",
    {
      timeout: 40_000,
    },
    async (framing) => {
      await using rig = await startAuthRig();
      const token = await rig.token("ann", { rooms: { "*": "read write" } });
      const startMs = performance.now();
      const received = await drip(rig, token, framing, 500);
      expect(performance.now() - startMs).toBeGreaterThan(14_000);
      expect(received).toMatch(/^HTTP\/1\.1 408 /);
      expect(received).toContain('"code":"UNAVAILABLE"');
      expect((await rig.server.history("lobby")).messages).toEqual([]);
    },
  );
});
