import { uniqueRoom } from "../../support/unique.ts";
import { waitFor } from "../../support/wait.ts";
import { Worker } from "../../support/worker.ts";
import { type Deployment, type DeploymentOptions, deploy, type Kind } from "../rig/deployment.ts";
import { mergeCounts } from "../rig/histogram.ts";
import type { ClientKind } from "./application-client.ts";
import type { ApplicationClients } from "./application-clients.ts";
import type { Acknowledged, Summary } from "./member-record.ts";

/** A deployment with a room full of application clients, in two processes, and publishers in a third one. */
export interface WeatherOptions extends DeploymentOptions {
  readonly kind: Kind;
  readonly clients: number;
  readonly publishers: number;
  readonly onlineHint: boolean;
}

const CLIENT_PROCESSES = 2;
/** After so long without a delivery, what has not come is lost. */
const QUIET_MS = 4_000;

export async function startWeather(options: WeatherOptions): Promise<Weather> {
  const weather = new Weather(await deploy(options.kind, options));
  try {
    await weather.open(options);
  } catch (error) {
    await weather[Symbol.asyncDispose]();
    throw error;
  }
  return weather;
}

export class Weather implements AsyncDisposable {
  readonly deployment: Deployment;
  readonly members = Array.from({ length: CLIENT_PROCESSES }, openWorker);
  readonly publishers = openWorker();

  constructor(deployment: Deployment) {
    this.deployment = deployment;
  }

  async open({ kind, clients, publishers, onlineHint }: WeatherOptions): Promise<void> {
    const client: ClientKind = kind === "holdfast" ? "holdfast" : "stock";
    const ports = this.deployment.servers.map(({ port }) => port);
    const call = { kind: client, room: uniqueRoom("weather"), ports, onlineHint };
    const clientsEach = Math.ceil(clients / CLIENT_PROCESSES);
    await Promise.all([
      ...this.members.map((worker) => worker.call("open", { ...call, clients: clientsEach })),
      this.publishers.call("open", { ...call, clients: publishers }),
    ]);
  }

  /** Sends all connections from now on to the servers at these ports. */
  async route(ports: readonly number[]): Promise<void> {
    await Promise.all([...this.members, this.publishers].map((worker) => worker.call("route", { ports })));
  }

  /** Connections that the members have attempted so far. */
  async attempts(): Promise<number> {
    const each = await Promise.all(this.members.map((worker) => worker.call("attempts", null)));
    return each.reduce((sum, attempts) => sum + attempts, 0);
  }

  /** Members without a connection at this moment. */
  async down(): Promise<number> {
    return (await this.#states()).reduce((sum, { down }) => sum + down, 0);
  }

  /** Waits until every member is back and has all, or until for a while nothing more came. */
  async calm(): Promise<void> {
    let last = { delivered: -1, atMs: performance.now() };
    await waitFor(
      async () => {
        const states = await this.#states();
        const delivered = states.reduce((sum, state) => sum + state.delivered, 0);
        if (delivered !== last.delivered || states.some(({ down }) => down > 0)) {
          last = { delivered, atMs: performance.now() };
        }
        return performance.now() - last.atMs > QUIET_MS;
      },
      "every member to be back and to have all that comes",
      60_000,
    );
  }

  /** What the members went through, held against what was acknowledged. */
  async summarize(acknowledged: readonly Acknowledged[]): Promise<Summary> {
    const parts = await Promise.all(this.members.map((worker) => worker.call("summarize", { acknowledged })));
    const total = (key: "expected" | "lost" | "repeated" | "disordered" | "gaps" | "outages") =>
      parts.reduce((sum, part) => sum + part[key], 0);
    const merged = (key: "latencyMs" | "replayMs" | "reconnectMs" | "backMs" | "moves" | "silenceMs") =>
      mergeCounts(parts.map((part) => part[key]));
    return {
      expected: total("expected"),
      lost: total("lost"),
      repeated: total("repeated"),
      disordered: total("disordered"),
      gaps: total("gaps"),
      outages: total("outages"),
      moves: merged("moves"),
      silenceMs: merged("silenceMs"),
      arrivalsMs: parts.flatMap(({ arrivalsMs }) => arrivalsMs),
      latencyMs: merged("latencyMs"),
      replayMs: merged("replayMs"),
      reconnectMs: merged("reconnectMs"),
      backMs: merged("backMs"),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.members, this.publishers].map((worker) => worker[Symbol.asyncDispose]()));
    await this.deployment[Symbol.asyncDispose]();
  }

  #states() {
    return Promise.all(this.members.map((worker) => worker.call("state", null)));
  }
}

function openWorker(): Worker<ApplicationClients> {
  return new Worker<ApplicationClients>(new URL("./application-clients.ts", import.meta.url));
}
