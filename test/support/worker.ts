import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

// Clients live in processes of their own, so that what is measured of the servers is the servers', and so that a busy
// client does not delay the bench's clock. A worker offers functions by name; arguments and results travel as JSON.

type Functions = Readonly<Record<string, (argument: never) => unknown>>;

interface Call {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}

type Answer = { readonly id: number } & ({ readonly result: unknown } | { readonly error: string });

/** The bench's end: a process that runs `file` and the functions that it serves. */
export class Worker<Served extends Functions> implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>();
  #nextId = 0;

  constructor(file: URL) {
    this.#child = fork(fileURLToPath(file), {
      execArgv: ["--import", "tsx", "--conditions=@holdfast/source"],
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
    });
    this.#child.on("message", (message) => this.#take(message as Answer));
    this.#child.on("exit", (code) => this.#failAll(new Error(`a client process ended with code ${code}`)));
  }

  /** Calls a function of the process; rejects with what it throws, or when the process ends. */
  call<Name extends keyof Served & string>(
    name: Name,
    argument: Parameters<Served[Name]>[0],
  ): Promise<Awaited<ReturnType<Served[Name]>>> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.send({ id, name, argument } satisfies Call);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGKILL");
    await ended;
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer.result as never);
  }

  #failAll(error: Error): void {
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** The process's end: answers calls until the bench is gone. */
export function serve(functions: Functions): void {
  process.on("message", (message) => {
    void answer(functions, message as Call);
  });
  process.on("disconnect", () => process.exit());
}

async function answer(functions: Functions, { id, name, argument }: Call): Promise<void> {
  try {
    const result = await functions[name]?.(argument as never);
    process.send?.({ id, result: result ?? null });
  } catch (error) {
    process.send?.({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
}
