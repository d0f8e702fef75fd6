import { Emitter, type EmulatorEvents } from "./events.ts";
import { Gateway } from "./gateway.ts";
import type { FunctionVersion, InstanceState } from "./instance.ts";
import { type Cost, costOf, sumCosts } from "./meter.ts";
import { Pool } from "./pool.ts";
import { defaultSettings, type EmulatorSettings } from "./settings.ts";
import type { StaticPage } from "./static-page.ts";

export type { CutReason, Emitter, EmulatorEvents } from "./events.ts";
export { profiles } from "./profiles.ts";
export { readServiceFile } from "./service-file.ts";
export { defaultSettings, type EmulatorSettings, otherAnswers, type PlatformName } from "./settings.ts";

/** What makes a version of the function: everything that `update` can change. */
export interface FunctionOptions {
  /** Over the platform's defaults; `readServiceFile("s.yaml", env).settings` gives what is deployed. */
  readonly settings?: Partial<EmulatorSettings>;
  /** Program and arguments of the server process. */
  readonly command?: readonly string[];
  /** Where it is started; default: the current folder. */
  readonly workingDirectory?: string;
  /** Environment variables over those of the settings. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface EmulatorOptions extends FunctionOptions {
  readonly command: readonly string[];
  /** The gateway's port; default 0, any free one. */
  readonly port?: number;
  /** The gateway's address; default 127.0.0.1. */
  readonly host?: string;
  /** In [0, 1): picks among the instances with room; default `Math.random`. */
  readonly random?: () => number;
  /** A page that the gateway serves by itself, in front of the function; default: none. */
  readonly page?: StaticPage | undefined;
}

export interface InstanceView {
  readonly id: string;
  readonly pid: number | null;
  readonly state: InstanceState;
  readonly healthy: boolean;
  readonly version: number;
  /** Requests that it holds now, and was given so far. */
  readonly inFlight: number;
  readonly served: number;
  readonly billedSeconds: number;
}

/** Counts since the start. */
export interface Counts {
  /** WebSockets that are open now. */
  readonly connections: number;
  readonly opened: number;
  /** WebSockets that ended without a close frame, and not by their client. */
  readonly cuts: number;
  /** WebSockets that their client closed with a close frame before their deadline: what a planned move looks like. */
  readonly handovers: number;
  /** Other ends: closed by the instance, or a client that went away without a word. */
  readonly otherEnds: number;
  /** Answers that the gateway gave by itself or passed on, by status. 499: the client went away. */
  readonly statuses: ReadonlyMap<number, number>;
}

export interface FunctionCompute extends AsyncDisposable {
  /** `http://host:port`. */
  readonly url: string;
  readonly port: number;
  readonly events: Emitter;
  instances(): readonly InstanceView[];
  counts(): Counts;
  /** What the platform would bill so far, open spans included. */
  meter(): Cost;
  /** Deploys a new version; resolves when its minimum of instances is up. */
  update(change: FunctionOptions): Promise<void>;
  /** Destroys an instance the planned way, pre-stop hook included; its open connections are cut. */
  destroyInstance(id: string): Promise<void>;
  /** Ends everything at once. */
  close(): Promise<void>;
}

/**
 * Starts the emulator: a gateway, and behind it as many server processes as the requests need.
 *
 * @throws RefusedError when one of the `minInstances` does not start.
 */
export async function startFunctionCompute(options: EmulatorOptions): Promise<FunctionCompute> {
  const { port = 0, host = "127.0.0.1", random = Math.random, page } = options;
  const events = new Emitter();
  events.setMaxListeners(0);
  const counts = count(events);
  const pool = new Pool(nextVersion(null, options), events, random);
  const gateway = new Gateway(pool, events, random, page);
  const close = async () => {
    await Promise.all([gateway.close(), pool.close()]);
  };
  const listeningPort = await gateway.listen(port, host);
  try {
    await pool.ensureMinimum();
  } catch (error) {
    await close();
    throw error;
  }
  return {
    url: `http://${host === "0.0.0.0" ? "127.0.0.1" : host}:${listeningPort}`,
    port: listeningPort,
    events,
    instances: () =>
      pool.instances.map((instance) => {
        const { id, pid, state, healthy, inFlight, served } = instance;
        const billedSeconds = instance.billedSeconds();
        return { id, pid, state, healthy, inFlight, served, version: instance.version.number, billedSeconds };
      }),
    counts,
    meter: () => sumCosts(pool.billed().map((instance) => costOf(instance.billedSeconds, instance))),
    update: (change) => pool.update(nextVersion(pool.version, change)),
    destroyInstance: (id) => pool.destroy(id, "requested"),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function nextVersion(previous: FunctionVersion | null, change: FunctionOptions): FunctionVersion {
  const merged = { ...(previous?.settings ?? defaultSettings), ...change.settings };
  const environmentVariables = { ...merged.environmentVariables, ...change.env };
  const reserved = Object.keys(environmentVariables).filter((name) => name.startsWith("FC_"));
  if (reserved.length > 0) throw new Error(`expected no variable to start with FC_, got ${reserved.join(", ")}`);
  const bytes = Buffer.byteLength(Object.entries(environmentVariables).flat().join(""));
  if (bytes > 4096) throw new Error(`expected at most 4096 bytes of environment variables, got ${bytes}`);
  return {
    number: (previous?.number ?? 0) + 1,
    settings: { ...merged, environmentVariables },
    command: change.command ?? previous?.command ?? [],
    workingDirectory: change.workingDirectory ?? previous?.workingDirectory ?? process.cwd(),
  };
}

function count(events: Emitter): () => Counts {
  const statuses = new Map<number, number>();
  let [opened, cuts, handovers, otherEnds] = [0, 0, 0, 0];
  events.on("connection:opened", () => {
    opened += 1;
  });
  events.on("connection:cut", () => {
    cuts += 1;
  });
  events.on("connection:closed", ({ by, clean }: EmulatorEvents["connection:closed"][0]) => {
    if (by === "client" && clean) handovers += 1;
    else otherEnds += 1;
  });
  events.on("request:ended", ({ status }) => statuses.set(status, (statuses.get(status) ?? 0) + 1));
  return () => ({ connections: opened - cuts - handovers - otherEnds, opened, cuts, handovers, otherEnds, statuses });
}
