import type { FunctionCompute } from "../function-compute/index.ts";
import { cpuMicroseconds } from "../support/cpu-time.ts";
import { messageId, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";
import { Worker } from "../support/worker.ts";
import { stockMark } from "./members.ts";
import { deploy, logPositions, post } from "./rig.ts";
import { watchStarvation } from "./starvation.ts";
import type { Outcome, Swarm } from "./swarm.ts";

export interface RunOptions {
  /** Clients of the package; they publish, in turn, what everybody gets. */
  readonly clients: number;
  /** Clients of socket.io-client alone. */
  readonly stockClients: number;
  /** Processes that the clients are divided into. */
  readonly processes: number;
  readonly instances: number;
  readonly messagesPerSecond: number;
  /** When the platform cuts a connection. */
  readonly timeoutSeconds: number;
  /** The run takes at least so long … */
  readonly seconds: number;
  /** … and until every client of the package has moved so often. */
  readonly moves: number;
  /** Also watch times in which nobody moves, for comparison; default false. */
  readonly samples?: boolean;
}

/** One kind of clients, with what the gateway saw of their connections. */
export interface Side extends Outcome {
  /** Connections that reached the platform's deadline. */
  readonly deadlineCuts: number;
  /** Connections that were opened after the first one of each client. */
  readonly extraConnections: number;
  /** The mean number of open connections above one for each client; below zero where clients were without. */
  readonly meanExtraOpen: number;
}

export interface RunResult {
  readonly messages: number;
  readonly seconds: number;
  readonly ours: Side;
  readonly stock: Side;
  /** Of all instances together, in microseconds, while messages were published. */
  readonly serverUs: number;
  /** Of the client processes. */
  readonly clientUs: number;
  /** Of this process, which is the gateway. */
  readonly gatewayUs: number;
  /** The share of time that the process which fared worst waited for a processor, 0 to 1. */
  readonly starvation: number;
}

const MOVES_TIMEOUT_MS = 240_000;

/** One room under load on the emulator, while the platform's deadline comes for every connection again and again. */
export async function runHandovers(options: RunOptions): Promise<RunResult> {
  const { clients, stockClients, processes, instances, messagesPerSecond, timeoutSeconds, samples = false } = options;
  await using deployment = await deploy({
    vars: { timeout: timeoutSeconds },
    settings: { minInstances: instances, maxInstances: instances },
    // The whole log is kept, to hold what every client got against it.
    env: { HISTORY_MAX_MESSAGES: "1000000" },
  });
  const { fc, redis } = deployment;
  const room = uniqueRoom("handover");
  const ours = new ConnectionCount(fc, (url) => !url.includes(stockMark));
  const stock = new ConnectionCount(fc, (url) => url.includes(stockMark));
  await using swarms = new Swarms(processes);

  const part = { url: fc.url, room, clients: clients / processes, stockClients: stockClients / processes };
  await swarms.all((swarm) => swarm.call("open", part));
  const gateway = [{ pid: process.pid }];
  const clientPids = await swarms.all((swarm) => swarm.call("pid", null));
  const starvation = watchStarvation([process.pid, ...clientPids, ...running(fc).map(({ pid }) => pid)]);
  const startMs = performance.now();
  const [serverUs, gatewayUs] = [cpuMicroseconds(running(fc)), cpuMicroseconds(gateway)];
  for (const count of [ours, stock]) count.restart();
  await swarms.all((swarm) => swarm.call("publish", { messagesPerSecond: messagesPerSecond / processes, samples }));
  await waitFor(
    async () =>
      performance.now() - startMs >= options.seconds * 1000 &&
      Math.min(...(await swarms.all((swarm) => swarm.call("fewestMoves", null)))) >= options.moves,
    `every client to move ${options.moves} times`,
    MOVES_TIMEOUT_MS,
  );
  const published = await swarms.all((swarm) => swarm.call("stop", null));
  const seconds = (performance.now() - startMs) / 1000;
  const used = {
    serverUs: cpuMicroseconds(running(fc)) - serverUs,
    gatewayUs: cpuMicroseconds(gateway) - gatewayUs,
    starvation: starvation(),
  };
  const connections = { ours: ours.result(clients), stock: stock.result(stockClients) };

  await fence(fc, room, swarms);
  const log = await logPositions(redis, room);
  const judgements = await swarms.all((swarm) => swarm.call("judge", { log }));
  const merged = (side: "ours" | "stock"): Side => ({
    ...merge(judgements.map((judgement) => judgement[side])),
    ...connections[side],
  });
  return {
    messages: published.reduce(add, 0),
    seconds,
    ours: merged("ours"),
    stock: merged("stock"),
    ...used,
    clientUs: judgements.map(({ cpuUs }) => cpuUs).reduce(add, 0),
  };
}

/**
 * Publishes until everybody has the same newest message: then what a member lacks was lost and is not on its way. A
 * stock client that is away at the moment misses one, and gets the next.
 */
async function fence(fc: FunctionCompute, room: string, swarms: Swarms): Promise<void> {
  const arrived = async (position: string) =>
    (await swarms.all((swarm) => swarm.call("have", { position }))).every((have) => have);
  await waitFor(
    async () => {
      const answer = await post(fc, room, messageId(), "fence");
      const { position } = (await answer.json()) as { readonly position: string };
      return waitFor(() => arrived(position), "the fence at every member", 2_000).catch(() => false);
    },
    "a message that every member has",
    30_000,
  );
}

/** The client processes. */
class Swarms implements AsyncDisposable {
  readonly #workers: readonly Worker<Swarm>[];

  constructor(count: number) {
    this.#workers = Array.from({ length: count }, () => new Worker<Swarm>(new URL("./swarm.ts", import.meta.url)));
  }

  all<Result>(call: (swarm: Worker<Swarm>) => Promise<Result>): Promise<Result[]> {
    return Promise.all(this.#workers.map(call));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker[Symbol.asyncDispose]()));
  }
}

/** Follows the connections of some clients, by their URL, through the gateway's events. */
class ConnectionCount {
  readonly #open = new Set<string>();
  #opened = 0;
  #deadlineCuts = 0;
  /** The open connections summed over time, in connection-milliseconds. */
  #openMs = 0;
  #sinceMs = performance.now();
  #startMs = performance.now();

  constructor({ events }: FunctionCompute, isMine: (url: string) => boolean) {
    events.on("connection:opened", ({ connectionId, url }) => {
      if (!isMine(url)) return;
      this.#advance();
      this.#opened += 1;
      this.#open.add(connectionId);
    });
    events.on("connection:closed", ({ connectionId }) => this.#ended(connectionId));
    events.on("connection:cut", ({ connectionId, reason }) => {
      if (this.#ended(connectionId) && reason === "timeout") this.#deadlineCuts += 1;
    });
  }

  /** Forgets the past but not what is open. */
  restart(): void {
    this.#opened = 0;
    this.#openMs = 0;
    this.#sinceMs = performance.now();
    this.#startMs = this.#sinceMs;
  }

  result(clients: number): Pick<Side, "deadlineCuts" | "extraConnections" | "meanExtraOpen"> {
    this.#advance();
    return {
      deadlineCuts: this.#deadlineCuts,
      extraConnections: this.#opened,
      meanExtraOpen: this.#openMs / (this.#sinceMs - this.#startMs) - clients,
    };
  }

  #ended(connectionId: string): boolean {
    this.#advance();
    return this.#open.delete(connectionId);
  }

  #advance(): void {
    const nowMs = performance.now();
    this.#openMs += this.#open.size * (nowMs - this.#sinceMs);
    this.#sinceMs = nowMs;
  }
}

function running(fc: FunctionCompute): { readonly pid: number }[] {
  return fc.instances().flatMap(({ pid }) => (pid === null ? [] : [{ pid }]));
}

function merge(outcomes: readonly Outcome[]): Outcome {
  const sum = (key: Exclude<keyof Outcome, "gapsMs">) => outcomes.map((outcome) => outcome[key]).reduce(add, 0);
  return {
    members: sum("members"),
    lost: sum("lost"),
    repeated: sum("repeated"),
    disordered: sum("disordered"),
    gapEvents: sum("gapEvents"),
    disconnections: sum("disconnections"),
    interruptions: sum("interruptions"),
    gapsMs: outcomes.flatMap(({ gapsMs }) => gapsMs),
  };
}

function add(a: number, b: number): number {
  return a + b;
}
