import { limits } from "@holdfast/client/protocol";
import * as z from "zod";
import { parseRights, type Rights } from "./auth/rights.ts";
import { platformBuild, type Surroundings, surroundingsOf } from "./platforms/surroundings.ts";

export type RedisTarget =
  | { readonly kind: "embedded" }
  | { readonly kind: "single"; readonly url: string }
  | { readonly kind: "cluster"; readonly urls: readonly [string, ...string[]] };

export type AuthMode =
  | { readonly mode: "anonymous" }
  | {
      readonly mode: "token";
      readonly key: { readonly secret: string } | { readonly jwksUrl: string };
      readonly issuer: string | undefined;
      readonly audience: string | undefined;
      /** How far the clock of the tokens' issuer may differ. */
      readonly skewSeconds: number;
    };

export interface Config {
  readonly production: boolean;
  /** Where the process runs: its platform, and how long that lets connections live. */
  readonly surroundings: Surroundings;
  readonly port: number;
  readonly redis: RedisTarget;
  readonly keyPrefix: string;
  readonly historyMaxMessages: number;
  readonly historyTtlSeconds: number;
  readonly publishDedupSeconds: number;
  /** The least time from one batch of a big room's messages to its next. */
  readonly batchDelayMs: number;
  /** Frames of at least so many bytes are deflated for clients that offer it; 0 deflates none. */
  readonly compressFromBytes: number;
  readonly presenceGraceSeconds: number;
  readonly presenceLeaseSeconds: number;
  readonly presenceAnnounceMax: number;
  readonly drainSeconds: number;
  /** Names what is deployed; empty where neither a setting nor the platform does. */
  readonly build: string;
  readonly auth: AuthMode;
  /** What a user may do in a room about which nothing else decides. */
  readonly roomRights: Rights;
  /** `any`, or origins and patterns of origins, `https://*.app.example`. */
  readonly allowedOrigins: "any" | readonly string[];
  /** Connections of this instance; undefined sets no limit. */
  readonly maxConnections: number | undefined;
  /** Connections of one user on this instance; of one session where it has no user. */
  readonly maxConnectionsPerUser: number;
  /** What one user may publish and signal on this instance, over all of the user's connections and over HTTP. */
  readonly publishesPerSecond: number;
  readonly signalsPerSecond: number;
  readonly adminToken: string | undefined;
  readonly logLevel: (typeof logLevels)[number];
}

/** One setting that is missing or wrong. */
export interface ConfigProblem {
  readonly name: string;
  readonly expected: string;
  readonly got: string;
}

const logLevels = ["fatal", "error", "warn", "info", "debug", "trace", "silent"] as const;

/**
 * A publish that the client still retries must still be remembered, or a repeat would be stored twice. The last
 * attempt may be on its way for one acknowledgement time-out longer.
 */
const shortestDedupSeconds = (limits.publishRetryMs + limits.acknowledgementTimeoutMs) / 1000;

const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/)
    .transform(Number)
    .refine((value) => value >= min && value <= max)
    .describe(`a whole number from ${min} to ${max}`);

const url = (pattern: RegExp, description: string) =>
  z
    .string()
    .refine((value) => pattern.test(value) && URL.canParse(value))
    .describe(description);

const redisUrls = z
  .string()
  .transform((value) => value.split(",").map((part) => part.trim()))
  .refine((parts) => parts.every((part) => /^rediss?:\/\//.test(part) && URL.canParse(part)))
  .describe("redis:// or rediss:// URL, or several of one cluster separated by commas");

const rights = z
  .string()
  .transform((value, context) => {
    const parsed = parseRights(value);
    if (parsed !== undefined) return parsed;
    context.addIssue("no rights");
    return z.NEVER;
  })
  .describe("read write, read, write or none");

/** Every host below one that has a dot itself: `https://*.com` would be everybody's. */
const originPattern = /^https?:\/\/\*\.(?=[^/:]+\.)/;

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && !text.includes("*");
}

const origins = z
  .string()
  .transform((value) => value.split(",").map((part) => part.trim().replace(/\/$/, "")))
  .refine((parts) =>
    parts.every((part) => part === "*" || isOrigin(originPattern.test(part) ? part.replace("*.", "") : part)),
  )
  .describe("origins such as https://app.example or https://*.app.example, separated by commas, or *");

const port = wholeNumber(0, 65_535);

/** Every variable that the server reads, each with what it expects. Defaults stand in {@link parseConfig}. */
export const settings = {
  NODE_ENV: z.string().describe("production, or anything else"),
  FC_SERVER_PORT: port,
  FC_CUSTOM_LISTEN_PORT: port,
  PORT: port,
  REDIS_URL: redisUrls,
  KEY_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_.:-]{1,64}$/)
    .describe("1 to 64 characters of A-Z a-z 0-9 _ . : -"),
  HISTORY_MAX_MESSAGES: wholeNumber(1, 1_000_000),
  HISTORY_TTL_SECONDS: wholeNumber(1, 31_536_000),
  PUBLISH_DEDUP_SECONDS: wholeNumber(shortestDedupSeconds, 86_400),
  BATCH_DELAY_MS: wholeNumber(0, 1_000),
  COMPRESS_FROM_BYTES: wholeNumber(0, limits.packetBytes),
  PRESENCE_GRACE_SECONDS: wholeNumber(0, 600),
  PRESENCE_LEASE_SECONDS: wholeNumber(3, 600),
  PRESENCE_ANNOUNCE_MAX: wholeNumber(0, 1_000),
  FUNCTION_TIMEOUT_SECONDS: wholeNumber(1, 259_200),
  DRAIN_SECONDS: wholeNumber(0, 90),
  BUILD: z.string().max(256).describe("text of at most 256 characters"),
  AUTH: z.enum(["anonymous", "token"]).describe("anonymous or token"),
  TOKEN_SECRET: z.string().min(32).describe("a secret of at least 32 characters"),
  TOKEN_JWKS_URL: url(/^https?:\/\//, "an http:// or https:// URL"),
  TOKEN_ISSUER: z.string().describe("text"),
  TOKEN_AUDIENCE: z.string().describe("text"),
  TOKEN_SKEW_SECONDS: wholeNumber(0, 300),
  ROOM_RIGHTS: rights,
  ALLOWED_ORIGINS: origins,
  MAX_CONNECTIONS: wholeNumber(1, 1_000_000),
  MAX_CONNECTIONS_PER_USER: wholeNumber(1, 1_000_000),
  PUBLISHES_PER_SECOND: wholeNumber(1, 1_000_000),
  SIGNALS_PER_SECOND: wholeNumber(1, 1_000_000),
  ADMIN_TOKEN: z.string().min(16).describe("a token of at least 16 characters"),
  LOG_LEVEL: z.enum(logLevels).describe(`one of ${logLevels.join(", ")}`),
} satisfies Record<string, z.ZodType>;

type SettingName = keyof typeof settings;
type Values = { [Name in SettingName]?: z.output<(typeof settings)[Name]> };

const secrets: ReadonlySet<string> = new Set(["TOKEN_SECRET", "ADMIN_TOKEN", "REDIS_URL"]);

/**
 * The configuration that an environment describes, or every problem in it at once. An empty variable is treated as unset.
 */
export function parseConfig(env: Readonly<Record<string, string | undefined>>): Config | readonly ConfigProblem[] {
  const { values, problems } = readSettings(env);
  const surroundings = surroundingsOf(env, values.FUNCTION_TIMEOUT_SECONDS);
  const { platform } = surroundings;
  // A forgotten variable must not open a deployed server to everybody.
  const production = values.NODE_ENV === "production" || platform.isPublic;
  const missing = (name: SettingName, expected: string): void => {
    if (!problems.some((problem) => problem.name === name)) problems.push({ name, expected, got: "nothing" });
  };

  if (production && values.REDIS_URL === undefined) missing("REDIS_URL", `${describe("REDIS_URL")}, in production`);
  if (production && values.AUTH === undefined) missing("AUTH", `${describe("AUTH")}, chosen explicitly in production`);
  if (production && values.ALLOWED_ORIGINS === undefined) {
    missing("ALLOWED_ORIGINS", `${describe("ALLOWED_ORIGINS")}, in production`);
  }
  const auth = authMode(values);
  if (auth === undefined) missing("TOKEN_SECRET", "TOKEN_SECRET or TOKEN_JWKS_URL, because AUTH is token");
  if (problems.length > 0 || auth === undefined) return problems;

  const redis = redisTarget(values.REDIS_URL);
  return {
    production,
    surroundings,
    port: values.FC_SERVER_PORT ?? values.FC_CUSTOM_LISTEN_PORT ?? values.PORT ?? platform.port,
    redis,
    keyPrefix: values.KEY_PREFIX ?? "holdfast",
    historyMaxMessages: values.HISTORY_MAX_MESSAGES ?? 1000,
    historyTtlSeconds: values.HISTORY_TTL_SECONDS ?? 86_400,
    publishDedupSeconds: values.PUBLISH_DEDUP_SECONDS ?? 120,
    batchDelayMs: values.BATCH_DELAY_MS ?? 0,
    compressFromBytes: values.COMPRESS_FROM_BYTES ?? 0,
    presenceGraceSeconds: values.PRESENCE_GRACE_SECONDS ?? 8,
    presenceLeaseSeconds: values.PRESENCE_LEASE_SECONDS ?? 15,
    presenceAnnounceMax: values.PRESENCE_ANNOUNCE_MAX ?? 200,
    // Where Redis ends with the process there is no other instance that clients could move to.
    drainSeconds: values.DRAIN_SECONDS ?? (redis.kind === "embedded" ? 0 : platform.drainSeconds),
    build: values.BUILD ?? platformBuild(surroundings, env) ?? "",
    auth,
    roomRights: values.ROOM_RIGHTS ?? { read: auth.mode === "anonymous", write: auth.mode === "anonymous" },
    allowedOrigins: values.ALLOWED_ORIGINS?.includes("*") === false ? values.ALLOWED_ORIGINS : "any",
    maxConnections: values.MAX_CONNECTIONS,
    maxConnectionsPerUser: values.MAX_CONNECTIONS_PER_USER ?? 100,
    publishesPerSecond: values.PUBLISHES_PER_SECOND ?? 200,
    signalsPerSecond: values.SIGNALS_PER_SECOND ?? 60,
    adminToken: values.ADMIN_TOKEN,
    logLevel: values.LOG_LEVEL ?? "info",
  };
}

function readSettings(env: Readonly<Record<string, string | undefined>>) {
  const values: Record<string, unknown> = {};
  const problems: ConfigProblem[] = [];
  for (const [name, schema] of Object.entries(settings)) {
    const text = env[name]?.trim();
    if (text === undefined || text === "") continue;
    const result = schema.safeParse(text);
    if (result.success) values[name] = result.data;
    else problems.push({ name, expected: schema.description ?? "", got: shown(name, text) });
  }
  return { values: values as Values, problems };
}

function shown(name: string, text: string): string {
  return secrets.has(name) ? `a value of ${text.length} characters` : JSON.stringify(text);
}

function describe(name: SettingName): string {
  return settings[name].description ?? "";
}

function redisTarget(urls: readonly string[] | undefined): RedisTarget {
  const [first, ...others] = urls ?? [];
  if (first === undefined) return { kind: "embedded" };
  return others.length === 0 ? { kind: "single", url: first } : { kind: "cluster", urls: [first, ...others] };
}

function authMode(values: Values): AuthMode | undefined {
  if (values.AUTH !== "token") return { mode: "anonymous" };
  const { TOKEN_ISSUER: issuer, TOKEN_AUDIENCE: audience, TOKEN_SKEW_SECONDS: skewSeconds = 0 } = values;
  const expected = { issuer, audience, skewSeconds };
  if (values.TOKEN_JWKS_URL !== undefined) {
    return { mode: "token", key: { jwksUrl: values.TOKEN_JWKS_URL }, ...expected };
  }
  if (values.TOKEN_SECRET !== undefined) return { mode: "token", key: { secret: values.TOKEN_SECRET }, ...expected };
  return undefined;
}
