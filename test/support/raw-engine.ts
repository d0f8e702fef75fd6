import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { limits } from "../../client/src/protocol/limits.ts";
import { textFrame } from "./raw-frames.ts";
import { connectRaw } from "./raw-websocket.ts";
import { sessionId } from "./unique.ts";
import { waitFor, withTimeout } from "./wait.ts";

/** A WebSocket to Engine.IO on which nothing is sent that the test does not send. */
class Engine implements Disposable {
  readonly frames: string[] = [];
  readonly webSocket: WebSocket;
  readonly closed: Promise<void>;

  constructor(url: string) {
    this.webSocket = new WebSocket(`${url.replace(/^http/, "ws")}/socket.io/?EIO=4&transport=websocket`);
    this.webSocket.on("message", (bytes: Buffer) => this.frames.push(bytes.toString()));
    this.webSocket.on("error", () => undefined);
    this.closed = new Promise((resolve) => this.webSocket.once("close", () => resolve()));
  }

  /** Frames that begin with `start`, in their order. */
  count(start: string): number {
    return this.frames.filter((frame) => frame.startsWith(start)).length;
  }

  async sees(start: string, times = 1): Promise<void> {
    await waitFor(() => this.count(start) >= times, `${times} frames that begin with ${start}`, 20_000);
  }

  /** Sends everything in one write. What is below 64 KiB is read in one go by the server, before it can answer. */
  sendAll(frames: readonly string[]): void {
    const { _socket: tcp } = this.webSocket as unknown as { readonly _socket: Socket };
    tcp.write(Buffer.concat(frames.map(textFrame)));
  }

  /** Within less than the ten seconds after which the server closes a connection that is not admitted. */
  isClosed(): Promise<void> {
    return withTimeout(this.closed, "the server to close the connection", 6_000);
  }

  [Symbol.dispose](): void {
    this.webSocket.terminate();
  }
}

export async function openEngine(url: string): Promise<Engine> {
  const engine = new Engine(url);
  await engine.sees("0{");
  return engine;
}

export const connectPacket = (auth: Readonly<Record<string, unknown>> = {}) =>
  `40${JSON.stringify({ protocol: limits.protocolVersion, session: sessionId(), ...auth })}`;

/** Resolves when the server has read what was sent to it before on any connection. */
export async function fence(url: string): Promise<void> {
  using other = await connectRaw(url);
  await other.request("echo", 1);
}
