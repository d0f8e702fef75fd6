import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { withTimeout } from "./wait.ts";

export interface Exit {
  /** Null when a signal ended the process. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface SpawnOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Open an IPC channel, by which a Node.js child can tell that its parent is gone; default false. */
  readonly ipc?: boolean;
  /**
   * Give it a process group of its own, and send every signal to the whole group, as a terminal does with Ctrl-C;
   * default false.
   */
  readonly group?: boolean;
}

// USER_HZ, the unit of /proc/<pid>/stat, is 100 on every Linux platform that Node.js supports.
const MICROSECONDS_PER_TICK = 10_000;
const PAGE_BYTES = 4096;

// A test run that ends in the middle leaves nothing behind, not even a frozen process.
const running = new Set<ManagedProcess>();
process.on("exit", () => {
  for (const child of running) child.signal("SIGKILL");
});

/** A child process that a test can freeze, thaw, kill and measure, and that is gone when the test is. */
export class ManagedProcess implements AsyncDisposable {
  /** Everything it printed, stdout and stderr as they came. */
  output = "";
  /** Settles when it has ended and all its output has been read; never rejects. */
  readonly exit: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #group: boolean;
  #ended: Exit | undefined;

  constructor({ command, args, env, cwd, ipc = false, group = false }: SpawnOptions) {
    const stdio: StdioOptions = ["ignore", "pipe", "pipe", ipc ? "ipc" : "ignore"];
    this.#child = spawn(command, args, { env, cwd, stdio, detached: group });
    this.#group = group;
    running.add(this);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.exit = this.#watch();
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`expected a process, got none: ${this.output}`);
    return this.#child.pid;
  }

  /** How it ended, or undefined while it runs. */
  get ended(): Exit | undefined {
    return this.#ended;
  }

  /** Asks it to end (SIGTERM) and waits until it has; rejects when it takes longer than `timeoutMs`. */
  async stop(timeoutMs = 20_000): Promise<Exit> {
    this.signal("SIGTERM");
    return withTimeout(this.exit, `process ${this.pid} to end after SIGTERM`, timeoutMs);
  }

  /** SIGKILL: no goodbye to anybody. Works on a frozen process too. */
  async kill(): Promise<Exit> {
    this.signal("SIGKILL");
    return this.exit;
  }

  /** SIGSTOP: its sockets stay open and nobody answers on them. */
  freeze(): void {
    this.signal("SIGSTOP");
  }

  /** SIGCONT. */
  thaw(): void {
    this.signal("SIGCONT");
  }

  signal(signal: NodeJS.Signals): void {
    if (this.#ended !== undefined) return;
    if (this.#group) signalGroup(this.pid, signal);
    else this.#child.kill(signal);
  }

  /** User and system time of all its threads so far, in microseconds, in steps of 10 ms (Linux only). */
  cpuMicroseconds(): number {
    const stat = readFileSync(`/proc/${this.pid}/stat`, "utf8");
    // The second field, the command's name in parentheses, can hold spaces: count from behind it (see proc(5)).
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * MICROSECONDS_PER_TICK;
  }

  /** Resident memory in bytes (Linux only). */
  memoryBytes(): number {
    return Number(readFileSync(`/proc/${this.pid}/statm`, "utf8").split(" ")[1]) * PAGE_BYTES;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #watch(): Promise<Exit> {
    try {
      const [code, signal] = (await once(this.#child, "close")) as [Exit["code"], Exit["signal"]];
      this.#ended = { code, signal };
    } catch (error) {
      // `once` rejects on the child's error event: the command could not be started.
      this.output += String(error);
      this.#ended = { code: null, signal: null };
    }
    running.delete(this);
    return this.#ended;
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    // Its last process may have ended a moment ago.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
