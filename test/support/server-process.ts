import { fileURLToPath } from "node:url";
import { freePort } from "./free-port.ts";
import { type Exit, ManagedProcess } from "./managed-process.ts";
import { WaitTimeout, waitFor } from "./wait.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const READY_TIMEOUT_MS = 15_000;

export interface ServerOptions {
  /** The server's settings. Nothing else of the test's own environment reaches it but PATH. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where it listens; 0 lets it choose. Default: a free port chosen here, so that a restart finds it again. */
  readonly port?: number;
  /** What is started, relative to `cwd`; default: the built server. */
  readonly entry?: string;
  /** Arguments of Node.js itself, e.g. `["--cpu-prof"]`. */
  readonly nodeArgs?: readonly string[];
  /** Default: the repository. */
  readonly cwd?: string;
}

/**
 * Starts the built server and resolves when `/readyz` answers 200.
 *
 * @throws with everything the server printed, when it ends or takes longer than 15 s
 */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const server = await spawnServer(options);
  try {
    await server.ready();
  } catch (error) {
    await server.kill();
    throw error;
  }
  return server;
}

/** Starts the built server without waiting: for tests of its start and of its refusals to start. */
export async function spawnServer(options: ServerOptions = {}): Promise<ServerProcess> {
  return new ServerProcess({ ...options, port: options.port ?? (await freePort()) });
}

export type LogLine = Readonly<Record<string, unknown>>;

/** A running server process. */
export class ServerProcess extends ManagedProcess {
  readonly #chosenPort: number;

  constructor({ env = {}, entry = "app/dist/main.mjs", nodeArgs = [], cwd = repository, port = 0 }: ServerOptions) {
    super({
      command: process.execPath,
      args: [...nodeArgs, entry],
      env: { PATH: process.env.PATH, PORT: String(port), ...env },
      cwd,
    });
    this.#chosenPort = port;
  }

  /** Where it listens. Asked for port 0, it is known as soon as the server has logged it. */
  get port(): number {
    if (this.#chosenPort !== 0) return this.#chosenPort;
    const port = this.logs.map(portOf).find((candidate) => candidate !== undefined);
    if (port === undefined) throw new Error(`expected a log line with the server's port, got:\n${this.output}`);
    return port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /**
   * The JSON lines of its log that this process has read so far. They come through a pipe: an answer over a socket may be
   * read before a line that was logged earlier. Wait for a line with `waitForLog`; after `exit` all of them are here.
   */
  get logs(): LogLine[] {
    return this.output.split("\n").flatMap(parseLine);
  }

  /** Waits until `/readyz` answers 200: it serves, and Redis is there. */
  async ready(timeoutMs = READY_TIMEOUT_MS): Promise<void> {
    try {
      await waitFor(
        async () => this.ended !== undefined || (await this.readyStatus()) === 200,
        "/readyz of the server to answer 200",
        timeoutMs,
      );
    } catch (error) {
      if (error instanceof WaitTimeout) error.message += `; it printed:\n${this.output}`;
      throw error;
    }
    if (this.ended === undefined) return;
    throw new Error(`expected a running server, it ended with ${describe(this.ended)} and printed:\n${this.output}`);
  }

  /** The status of `/healthz` now: whether the instance takes clients. */
  async healthStatus(): Promise<number> {
    return this.#status("/healthz");
  }

  /** The status of `/readyz` now: whether it takes clients, and Redis is there. */
  async readyStatus(): Promise<number> {
    return this.#status("/readyz");
  }

  async #status(path: string): Promise<number> {
    const answer = await fetch(`${this.url}${path}`, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.status;
  }

  /** Waits for a log line, and gives it back. */
  async waitForLog(matches: (line: LogLine) => boolean, what: string, timeoutMs?: number): Promise<LogLine> {
    return waitFor(() => this.logs.find(matches), `the log line "${what}"`, timeoutMs);
  }
}

function parseLine(line: string): LogLine[] {
  if (!line.startsWith("{")) return [];
  try {
    return [JSON.parse(line) as LogLine];
  } catch {
    return []; // the rest of the line is still on its way
  }
}

function portOf(line: LogLine): number | undefined {
  if (typeof line.port === "number") return line.port;
  return typeof line.url === "string" && URL.canParse(line.url) ? Number(new URL(line.url).port) : undefined;
}

function describe({ code, signal }: Exit): string {
  return signal === null ? `code ${code}` : `signal ${signal}`;
}
