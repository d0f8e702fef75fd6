import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../support/free-port.ts";
import { InstanceConnections } from "./instance-connections.ts";
import { billedMs, connectionClosed, connectionOpened, idleMeter } from "./meter.ts";
import { profileOf } from "./profiles.ts";
import { RefusedError, refusals } from "./refusals.ts";
import type { EmulatorSettings } from "./settings.ts";

/**
 * Where the gateway reaches instances. The platform asks a server to listen on 0.0.0.0 and not on 127.0.0.1; on Linux
 * all of 127/8 is loopback, so another address of it tells the two apart.
 */
export const instanceHost = process.platform === "linux" ? "127.0.0.2" : "127.0.0.1";

/** A throttled process runs so long, in each so long. */
const throttledRunMs = 10;
const throttledEveryMs = 500;

/** Ends the process with the emulator, however that ends: a frozen process left behind would hold its memory forever. */
const deathGuard = existsSync("/usr/bin/setpriv") ? ["/usr/bin/setpriv", "--pdeathsig", "KILL"] : [];

/** One version of the function: what `update` replaces. */
export interface FunctionVersion {
  readonly number: number;
  readonly settings: EmulatorSettings;
  readonly command: readonly string[];
  readonly workingDirectory: string;
}

export type InstanceState = "starting" | "running" | "frozen" | "stopping" | "gone";

/** One server process: it can be spawned, frozen, thawed and killed. When to do which is the pool's matter. */
export class Instance {
  readonly id = `c-${randomBytes(6).toString("hex")}`;
  readonly version: FunctionVersion;
  readonly connections = new InstanceConnections();
  state: InstanceState = "starting";
  healthy = true;
  /** Requests that it holds or that wait for its start. */
  inFlight = 0;
  /** Requests that it was given so far. */
  served = 0;
  /** How often it was frozen. */
  freezes = 0;
  port = 0;
  #process: ChildProcess | null = null;
  #meter = idleMeter;
  #frozenAtMs = 0;
  #blink: NodeJS.Timeout | undefined;
  /** What is to be done after a thaw before a request may come. */
  waking: Promise<void> | null = null;
  readonly #onOutput: (line: string) => void;
  readonly #lastLines: string[] = [];

  constructor(version: FunctionVersion, onOutput: (line: string) => void) {
    this.version = version;
    this.#onOutput = onOutput;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** Spawns the process and waits until its port accepts a connection. Rejects with a 412 refusal if it never does. */
  async spawn(signal: AbortSignal): Promise<void> {
    const { settings, command, workingDirectory } = this.version;
    await delay(settings.coldStartMs, undefined, { signal });
    this.port = await freePort();
    const [program, ...args] = [...deathGuard, ...command];
    if (program === undefined) throw new RefusedError(refusals.notStarted("no command is configured"));
    signal.throwIfAborted();
    const child = spawn(program, args, {
      cwd: workingDirectory,
      env: this.#environment(),
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that Ctrl-C in a terminal reaches the emulator alone and a freeze reaches children too.
      detached: true,
    });
    this.#process = child;
    const failed = new Promise<never>((_, reject) => {
      child.once("error", (error) => reject(new RefusedError(refusals.exited(error.message))));
      child.once("exit", (code, killedBy) => reject(new RefusedError(refusals.exited(this.#farewell(code, killedBy)))));
    });
    failed.catch(() => undefined);
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        this.#lastLines.push(line);
        if (this.#lastLines.length > 5) this.#lastLines.shift();
        this.#onOutput(line);
      });
    }
    await Promise.race([failed, this.#accepts(settings.startTimeoutMs, signal)]);
  }

  /** Resolves when the process is gone, at once if there is none. */
  async exited(): Promise<void> {
    const child = this.#process;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    await once(child, "exit");
  }

  freeze(): void {
    this.state = "frozen";
    this.freezes += 1;
    this.#frozenAtMs = Date.now();
    this.#signal("SIGSTOP");
    if (profileOf(this.version.settings).rest === "throttle") this.#throttle();
  }

  /** Next to no processor: it runs for a moment now and then. */
  #throttle(): void {
    this.#blink = setInterval(() => {
      this.#signal("SIGCONT");
      setTimeout(() => {
        if (this.state === "frozen") this.#signal("SIGSTOP");
      }, throttledRunMs).unref();
    }, throttledEveryMs).unref();
  }

  /** Lets the process go on; returns for how many milliseconds it was frozen. */
  thaw(): number {
    this.state = "running";
    clearInterval(this.#blink);
    this.#signal("SIGCONT");
    return Date.now() - this.#frozenAtMs;
  }

  kill(): void {
    this.state = "gone";
    clearInterval(this.#blink);
    this.#signal("SIGKILL");
    this.connections.close();
  }

  /** Asks the process to end. */
  terminate(signal: "SIGTERM" | "SIGINT"): void {
    this.#signal(signal);
  }

  /** Opens a billed span, or joins the one that is open. */
  openSpan(): void {
    this.#meter = connectionOpened(this.#meter, performance.now());
  }

  closeSpan(): void {
    this.#meter = connectionClosed(this.#meter, performance.now());
  }

  billedSeconds(): number {
    return billedMs(this.#meter, performance.now()) / 1000;
  }

  #signal(signal: NodeJS.Signals): void {
    const child = this.#process;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return;
    try {
      process.kill(-child.pid, signal);
    } catch (error) {
      // The process can be gone before Node.js has told: then there is nothing left to signal.
      if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
    }
  }

  /** What an instance sees: the function's variables and the platform's, and nothing of the emulator's own. */
  #environment(): Record<string, string> {
    const { settings } = this.version;
    const path = process.env.PATH ?? "";
    const userPath = settings.environmentVariables.PATH;
    return {
      HOME: process.env.HOME ?? "/",
      ...settings.environmentVariables,
      // The platform's layers are not here, so the machine's own programs stand in for them.
      PATH: userPath === undefined ? path : `${userPath}:${path}`,
      ...profileOf(settings).environment({ settings, instanceId: this.id, port: this.port }),
    };
  }

  async #accepts(timeoutMs: number, signal: AbortSignal): Promise<void> {
    const giveUpMs = performance.now() + timeoutMs;
    while (performance.now() < giveUpMs) {
      if (await accepts(this.port)) return;
      await delay(10, undefined, { signal });
    }
    const why = `nothing listens on 0.0.0.0:${this.port} after ${timeoutMs} ms`;
    throw new RefusedError(refusals.notStarted(why));
  }

  #farewell(code: number | null, killedBy: NodeJS.Signals | null): string {
    const how = killedBy ? `killed by ${killedBy}` : `exit code ${code}`;
    return [how, ...this.#lastLines].join("\n");
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ host: instanceHost, port });
  const accepted = await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  });
  socket.destroy();
  return accepted;
}
