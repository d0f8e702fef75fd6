import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { WebSocket } from "ws";
import { type EmulatorOptions, type FunctionCompute, type InstanceView, startFunctionCompute } from "./index.ts";
import type { EmulatorSettings } from "./settings.ts";

const fixture = fileURLToPath(new URL("fixture-server.mjs", import.meta.url));

/** Starts the emulator in front of the fixture server, with a timeout that a busy machine does not reach by chance. */
export async function startFixture(
  settings: Partial<EmulatorSettings> = {},
  options: Partial<EmulatorOptions> = {},
): Promise<FunctionCompute> {
  return startFunctionCompute({
    command: [process.execPath, fixture],
    settings: { timeoutSeconds: 30, ...settings },
    ...options,
  });
}

/** What the fixture's `/echo` says about a request. */
export interface Echo {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly rawHeaders: readonly string[];
  readonly bodyBytes: number;
  readonly instanceId: string;
}

export async function askJson<Answer>(url: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(url, init);
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as Answer;
}

/** An open WebSocket with what has come of it. */
export class TestSocket implements Disposable {
  readonly socket: WebSocket;
  /** The fixture's greeting: who serves this connection, and what its handshake looked like. */
  readonly greeting: Pick<Echo, "instanceId" | "url" | "headers">;
  readonly closed: Promise<{ code: number; atMs: number }>;

  constructor(socket: WebSocket, greeting: TestSocket["greeting"], closed: TestSocket["closed"]) {
    this.socket = socket;
    this.greeting = greeting;
    this.closed = closed;
  }

  async echo(text: string): Promise<string> {
    this.socket.send(text);
    const [data] = await once(this.socket, "message", { signal: AbortSignal.timeout(5000) });
    return String(data);
  }

  [Symbol.dispose](): void {
    this.socket.terminate();
  }
}

/** Opens a WebSocket; rejects with the status of the answer when the handshake is refused. */
export async function openSocket(
  fc: FunctionCompute,
  path = "/",
  headers: Record<string, string> = {},
): Promise<TestSocket> {
  const socket = new WebSocket(`${fc.url.replace("http", "ws")}${path}`, { headers });
  const closed = new Promise<{ code: number; atMs: number }>((resolve) => {
    socket.once("close", (code) => resolve({ code, atMs: performance.now() }));
  });
  const greeting = once(socket, "message", { signal: AbortSignal.timeout(10_000) });
  const refused = new Promise<never>((_, reject) => {
    socket.once("unexpected-response", (_request, answer) => reject(new HandshakeRefused(answer.statusCode ?? 0)));
  });
  const [data] = await Promise.race([greeting, refused]).finally(() => {
    greeting.catch(() => undefined);
    refused.catch(() => undefined);
  });
  socket.on("error", () => undefined);
  return new TestSocket(socket, JSON.parse(String(data)), closed);
}

class HandshakeRefused extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the handshake was answered with ${status}`);
    this.status = status;
  }
}

/** The status that a handshake is refused with. */
export async function refusedWith(handshake: Promise<TestSocket>): Promise<number> {
  try {
    const opened = await handshake;
    opened[Symbol.dispose]();
  } catch (error) {
    if (error instanceof HandshakeRefused) return error.status;
    throw error;
  }
  throw new Error("expected the handshake to be refused, it was accepted");
}

/** The only instance. */
export function only(fc: FunctionCompute): InstanceView {
  const [instance, ...others] = fc.instances();
  if (!instance || others.length > 0) throw new Error(`expected one instance, got ${fc.instances().length}`);
  return instance;
}

/** An answer of the gateway itself: its status and its `ErrorCode`. */
export async function statusAndCode(answer: Response): Promise<[number, string]> {
  const { ErrorCode } = (await answer.json()) as { ErrorCode: string };
  return [answer.status, ErrorCode];
}
