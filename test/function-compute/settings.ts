import type { JSONWebKeySet } from "jose";

/** The instance's `healthCheckConfig`. The periods are whole seconds on the platform; tests may use fractions. */
export interface HealthCheckSettings {
  readonly httpGetUrl: string;
  readonly initialDelaySeconds: number;
  readonly periodSeconds: number;
  readonly timeoutSeconds: number;
  readonly failureThreshold: number;
  readonly successThreshold: number;
}

export interface JwtSettings {
  readonly jwks: JSONWebKeySet;
  /** Where a token is looked for, in this order: `query:token,cookie:token,header:Authorization:Bearer `. */
  readonly tokenLookup: string;
  /** Claims handed to the function: `<query|header>:<claim>:<name>`, separated by commas. Default: none. */
  readonly claimPassBy: string;
}

export interface TriggerSettings {
  readonly authType: "anonymous" | "function" | "jwt";
  readonly methods: readonly string[];
  /** Needed for `authType: "jwt"`, without effect otherwise. */
  readonly jwt: JwtSettings | null;
}

export interface HookSettings {
  readonly timeoutSeconds: number;
}

/** What `s.yaml` says about the function. */
export interface FunctionSettings {
  readonly region: string;
  readonly functionName: string;
  /** vCPU; billing only, a process here is not held to it. */
  readonly cpu: number;
  /** Billing only, a process here is not held to it. */
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  readonly instanceConcurrency: number;
  readonly environmentVariables: Readonly<Record<string, string>>;
  readonly healthCheck: HealthCheckSettings | null;
  readonly initializer: HookSettings | null;
  readonly preStop: HookSettings | null;
  /** Null: the function has no HTTP trigger, and every request is answered with 404. */
  readonly trigger: TriggerSettings | null;
  /** Requests that the whole function may hold at a time; above it 429. Null: no such limit. */
  readonly reservedConcurrency: number | null;
  /** Instances that are there from the start and never destroyed for being idle. */
  readonly minInstances: number;
}

/** What the platform decides by itself, and what no source confirms, so that both answers can be tried. */
interface PlatformSettings {
  /** Instances of the newest version at a time; when all of them are full, 429. */
  readonly maxInstances: number;
  /** Added to every start, before the process is spawned. */
  readonly coldStartMs: number;
  /** How long a frozen instance is kept. */
  readonly idleMs: number;
  /** How long the process may take until it accepts connections. */
  readonly startTimeoutMs: number;
  /** What ends when a request's time is over: that request, or its instance with everything on it. */
  readonly cut: "request" | "whole-instance";
  /** `default` is `*.fcapp.run`: attachments only, no redirects. */
  readonly domain: "default" | "custom";
  /** Where `x-fc-function-timeout` is sent: seen on plain requests, in no official table, unknown for handshakes. */
  readonly timeoutHeader: "always" | "plain-requests" | "never";
}

export type EmulatorSettings = FunctionSettings & PlatformSettings;

/** The platform's defaults (timeout 3 s, concurrency 1), and half a vCPU with 512 MB. */
export const defaultSettings: EmulatorSettings = {
  region: "cn-hangzhou",
  functionName: "holdfast",
  cpu: 0.5,
  memoryMb: 512,
  timeoutSeconds: 3,
  instanceConcurrency: 1,
  environmentVariables: {},
  healthCheck: null,
  initializer: null,
  preStop: null,
  trigger: {
    authType: "anonymous",
    methods: ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"],
    jwt: null,
  },
  reservedConcurrency: null,
  minInstances: 0,
  maxInstances: 10,
  coldStartMs: 0,
  idleMs: 5 * 60_000,
  startTimeoutMs: 120_000,
  cut: "request",
  domain: "custom",
  timeoutHeader: "always",
};
