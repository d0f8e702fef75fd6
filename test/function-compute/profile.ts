import type { EmulatorSettings } from "./settings.ts";

/** What kind of request the platform makes: the `x-fc-control-path` header. Null: the platform does not say. */
export type ControlPath = "/http-invoke" | "/invoke" | "/initialize" | "/pre-stop" | null;

export interface InstanceFacts {
  readonly settings: EmulatorSettings;
  readonly instanceId: string;
  readonly port: number;
}

export interface RequestFacts {
  readonly settings: EmulatorSettings;
  readonly requestId: string;
  readonly controlPath: ControlPath;
  /** Whether this kind of request tells how long it may last. */
  readonly tellsTimeout: boolean;
}

/** The sign before the end of an instance, where that is a signal. */
export interface StopSignal {
  readonly signal: "SIGTERM" | "SIGINT";
  /** How long the process then has. */
  readonly graceMs: number;
  /** How often the signal is sent, 100 ms apart. */
  readonly times: number;
  /** For how long new connections still come to an instance that was told to stop. */
  readonly routedMs: number;
}

/** What differs from platform to platform: one row of a table. */
export interface Profile {
  readonly title: string;
  /** The platform's own variables. Where it names no port, the emulator does, since its instances share a machine. */
  readonly environment: (facts: InstanceFacts) => Readonly<Record<string, string>>;
  /** The headers that it sets on every request. */
  readonly headers: (facts: RequestFacts) => Readonly<Record<string, string>>;
  /** How the names of the headers begin that clients cannot set. */
  readonly ownHeaders: string;
  /** Function Compute's gateway has limits and takes headers out of answers; the others pass everything on. */
  readonly gateway: "function-compute" | "plain";
  /** What becomes of an instance without requests. */
  readonly rest: "freeze" | "throttle" | "run";
  /** `hook`: `GET /pre-stop`. Null: it is killed without a sign. */
  readonly stop: "hook" | StopSignal | null;
  /** A new version waits until the connections of the old one have ended, or replaces its instances one by one. */
  readonly update: "waits" | "replaces";
  /** What is published of its limits and times. */
  readonly settings: Partial<EmulatorSettings>;
}
