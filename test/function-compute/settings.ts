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
  /** Paths that need no token. */
  readonly whitelist?: readonly string[];
}

export interface TriggerSettings {
  readonly authType: "anonymous" | "function" | "jwt";
  readonly methods: readonly string[];
  /** Whether the function's own address is closed; custom domains are not. */
  readonly disableUrlInternet?: boolean;
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

/** The platforms that can be emulated. */
export const platformNames = [
  "function-compute",
  "functiongraph",
  "scf",
  "vercel",
  "cloud-run",
  "kubernetes",
  "heroku",
  "fly",
] as const;

export type PlatformName = (typeof platformNames)[number];

/** What the platform decides by itself, and what no source confirms, so that both answers can be tried. */
interface PlatformSettings {
  readonly platform: PlatformName;
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
  /** When hooks are called: at the beginning and the end of an instance, or around each freeze as well. */
  readonly hooks: "life" | "life-and-freezes";
  /** What the platform says in `x-fc-control-path` on a pre-stop; null: nothing. */
  readonly preStopControlPath: "/pre-stop" | null;
  /** What becomes of the platform's own headers that a client has set. */
  readonly forgedHeaders: "overwritten" | "kept";
  /** What a caller gets whose instance failed to initialize: 412, or 200 with `X-Fc-Error-Type`. */
  readonly failedInitializer: 412 | 200;
  /** How long after a client went away without a close frame the gateway closes towards the instance. */
  readonly clientGoneMs: number;
  /** `X-Fc-Invocation-Type: Async` is obeyed, and the instance is told of it or not; or it means nothing. */
  readonly asynchronous: "told" | "untold" | "ignored";
  /** Whether a POST on a pooled connection that the server has closed fails, or the gateway notices in time. */
  readonly stalePost: "fails" | "noticed";
  /** What a process gets between its pre-stop and its end. */
  readonly signalAtEnd: "SIGTERM" | null;
  /** A connection on which nobody says anything for so long is dropped, by the platform or a NAT on the way. */
  readonly idleCutMs: number | null;
  /** WebSocket frames above this end their connection. */
  readonly largestFrameBytes: number | null;
  /** Requests a second above which the system throttles: 503. */
  readonly requestsPerSecond: number | null;
  /** The share of requests that fail by an error of the system: 500. */
  readonly systemErrorShare: number;
  /** How long a new trigger does not know its function yet: 404. */
  readonly triggerDelayMs: number;
  /** Instances are replaced after about so long. */
  readonly instanceLifeSeconds: number | null;
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
  platform: "function-compute",
  hooks: "life",
  preStopControlPath: "/pre-stop",
  forgedHeaders: "overwritten",
  failedInitializer: 412,
  clientGoneMs: 0,
  asynchronous: "told",
  stalePost: "fails",
  signalAtEnd: null,
  idleCutMs: null,
  largestFrameBytes: null,
  requestsPerSecond: null,
  systemErrorShare: 0,
  triggerDelayMs: 0,
  instanceLifeSeconds: null,
};

/**
 * The other answer to every question that no source settles: a server that is served well by this and by the defaults does
 * not depend on any of them.
 */
export const otherAnswers = {
  timeoutHeader: "plain-requests",
  hooks: "life-and-freezes",
  preStopControlPath: null,
  forgedHeaders: "kept",
  failedInitializer: 200,
  clientGoneMs: 1_000,
  asynchronous: "untold",
  stalePost: "noticed",
  signalAtEnd: "SIGTERM",
  idleCutMs: 15_000,
} as const satisfies Partial<EmulatorSettings>;
