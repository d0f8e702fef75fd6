import { expect, test } from "vitest";
import { type Config, type ConfigProblem, parseConfig, settings } from "../../../server/src/config.ts";
import { platforms } from "../../../server/src/platforms/table.ts";

function valid(env: Record<string, string | undefined>): Config {
  const parsed = parseConfig(env);
  if ("port" in parsed) return parsed;
  throw new Error(`expected a configuration, got ${JSON.stringify(parsed)}`);
}

function problems(env: Record<string, string | undefined>): readonly ConfigProblem[] {
  const parsed = parseConfig(env);
  if ("port" in parsed) throw new Error(`expected problems, got ${JSON.stringify(parsed)}`);
  return parsed;
}

const secret = "s".repeat(32);
const production = {
  NODE_ENV: "production",
  REDIS_URL: "redis://cache:6379",
  AUTH: "anonymous",
  ALLOWED_ORIGINS: "https://app.example",
};

test("an empty environment describes a server for a developer's machine", () => {
  expect(valid({})).toEqual({
    production: false,
    surroundings: { name: "none", platform: platforms.none, lifetimeSeconds: undefined },
    port: 9000,
    redis: { kind: "embedded" },
    keyPrefix: "holdfast",
    historyMaxMessages: 1000,
    historyTtlSeconds: 86_400,
    publishDedupSeconds: 120,
    batchDelayMs: 0,
    compressFromBytes: 0,
    presenceGraceSeconds: 8,
    presenceLeaseSeconds: 15,
    presenceAnnounceMax: 200,
    drainSeconds: 0,
    build: "",
    auth: { mode: "anonymous" },
    roomRights: { read: true, write: true },
    allowedOrigins: "any",
    maxConnections: undefined,
    maxConnectionsPerUser: 100,
    publishesPerSecond: 200,
    signalsPerSecond: 60,
    adminToken: undefined,
    logLevel: "info",
  });
});

test.each<[Record<string, string>, Partial<Config>]>([
  [{ PORT: "1" }, { port: 1 }],
  [{ PORT: "0" }, { port: 0 }],
  [{ FC_CUSTOM_LISTEN_PORT: "2", PORT: "1" }, { port: 2 }],
  [{ FC_SERVER_PORT: "3", FC_CUSTOM_LISTEN_PORT: "2", PORT: "1" }, { port: 3 }],
  [{ REDIS_URL: "rediss://u:p@cache:6380/1" }, { redis: { kind: "single", url: "rediss://u:p@cache:6380/1" } }],
  [{ REDIS_URL: "redis://a:1, redis://b:2" }, { redis: { kind: "cluster", urls: ["redis://a:1", "redis://b:2"] } }],
  [{ KEY_PREFIX: "shop:eu-1" }, { keyPrefix: "shop:eu-1" }],
  [{ HISTORY_MAX_MESSAGES: "5" }, { historyMaxMessages: 5 }],
  [{ HISTORY_TTL_SECONDS: "60" }, { historyTtlSeconds: 60 }],
  [{ PUBLISH_DEDUP_SECONDS: "100" }, { publishDedupSeconds: 100 }],
  [
    { FUNCTION_TIMEOUT_SECONDS: "259200" },
    { surroundings: { name: "none", platform: platforms.none, lifetimeSeconds: 259_200 } },
  ],
  [
    { RUNTIME_FUNC_NAME: "rooms", ...production },
    { port: 8000, production: true },
  ],
  [
    { KUBERNETES_SERVICE_HOST: "10.0.0.1", REDIS_URL: "redis://cache" },
    { production: false, drainSeconds: 20 },
  ],
  [{ REDIS_URL: "redis://cache" }, { drainSeconds: 10 }],
  [{ FLY_APP_NAME: "rooms", DRAIN_SECONDS: "3", ...production }, { drainSeconds: 3 }],
  [{ DRAIN_SECONDS: "0" }, { drainSeconds: 0 }],
  [
    { AUTH: "token", TOKEN_SECRET: secret, TOKEN_ISSUER: "i", TOKEN_AUDIENCE: "a" },
    {
      auth: { mode: "token", key: { secret }, issuer: "i", audience: "a", skewSeconds: 0 },
      roomRights: { read: false, write: false },
    },
  ],
  [
    { AUTH: "token", TOKEN_JWKS_URL: "https://id.example/keys", TOKEN_SKEW_SECONDS: "5", ROOM_RIGHTS: "read" },
    {
      auth: {
        mode: "token",
        key: { jwksUrl: "https://id.example/keys" },
        issuer: undefined,
        audience: undefined,
        skewSeconds: 5,
      },
      roomRights: { read: true, write: false },
    },
  ],
  [
    { ALLOWED_ORIGINS: "https://app.example/, http://localhost:3000" },
    { allowedOrigins: ["https://app.example", "http://localhost:3000"] },
  ],
  [{ ALLOWED_ORIGINS: "https://app.example,*" }, { allowedOrigins: "any" }],
  [
    { ALLOWED_ORIGINS: "https://*.app.example, http://*.b.example:8080" },
    { allowedOrigins: ["https://*.app.example", "http://*.b.example:8080"] },
  ],
  [{ MAX_CONNECTIONS: "500" }, { maxConnections: 500 }],
  [{ MAX_CONNECTIONS_PER_USER: "5" }, { maxConnectionsPerUser: 5 }],
  [
    { PUBLISHES_PER_SECOND: "20", SIGNALS_PER_SECOND: "10" },
    { publishesPerSecond: 20, signalsPerSecond: 10 },
  ],
  [{ ADMIN_TOKEN: "t".repeat(16) }, { adminToken: "t".repeat(16) }],
  [{ ROOM_RIGHTS: "none" }, { roomRights: { read: false, write: false } }],
  [{ BATCH_DELAY_MS: "20" }, { batchDelayMs: 20 }],
  [{ COMPRESS_FROM_BYTES: "256" }, { compressFromBytes: 256 }],
  [{ LOG_LEVEL: "silent" }, { logLevel: "silent" }],
  [{ BUILD: "2026-11-30.1" }, { build: "2026-11-30.1" }],
  [{ ...production, K_SERVICE: "chat", K_REVISION: "chat-00007" }, { build: "chat-00007" }],
  [{ ...production, K_SERVICE: "chat", K_REVISION: "chat-00007", BUILD: "v7" }, { build: "v7" }],
  [{ K_REVISION: "not on Cloud Run" }, { build: "" }],
  [
    production,
    { production: true, allowedOrigins: ["https://app.example"], redis: { kind: "single", url: "redis://cache:6379" } },
  ],
])("%o is read as %o", (env, expected) => {
  expect(valid(env)).toMatchObject(expected);
});

test("every setting refuses a value that it cannot use, and all are told at once", () => {
  const wrong = {
    FC_SERVER_PORT: "65536",
    FC_CUSTOM_LISTEN_PORT: "-1",
    PORT: "9000.5",
    REDIS_URL: "redis://a:1,http://b",
    KEY_PREFIX: "a{b}",
    HISTORY_MAX_MESSAGES: "0",
    HISTORY_TTL_SECONDS: "1e3",
    PUBLISH_DEDUP_SECONDS: "99",
    BATCH_DELAY_MS: "1001",
    COMPRESS_FROM_BYTES: "1048577",
    PRESENCE_GRACE_SECONDS: "601",
    PRESENCE_LEASE_SECONDS: "2",
    PRESENCE_ANNOUNCE_MAX: "1001",
    FUNCTION_TIMEOUT_SECONDS: "0",
    DRAIN_SECONDS: "91",
    BUILD: "b".repeat(257),
    AUTH: "none",
    TOKEN_SECRET: "short",
    TOKEN_JWKS_URL: "ftp://id.example",
    TOKEN_SKEW_SECONDS: "301",
    ROOM_RIGHTS: "all",
    ALLOWED_ORIGINS: "app.example",
    MAX_CONNECTIONS: "0",
    MAX_CONNECTIONS_PER_USER: "-1",
    PUBLISHES_PER_SECOND: "0",
    SIGNALS_PER_SECOND: "many",
    ADMIN_TOKEN: "short",
    LOG_LEVEL: "loud",
  };
  const found = problems(wrong);
  expect(found.map(({ name }) => name).sort()).toEqual(Object.keys(wrong).sort());
  for (const { name, expected, got } of found) {
    expect(expected, name).not.toBe("");
    expect(got, name).not.toBe("");
  }
  // The three that take any text cannot be wrong.
  const anyText = ["NODE_ENV", "TOKEN_ISSUER", "TOKEN_AUDIENCE"];
  expect([...Object.keys(wrong), ...anyText].sort()).toEqual(Object.keys(settings).sort());
});

test("an empty or blank variable counts as unset", () => {
  const empty = Object.fromEntries(Object.keys(settings).map((name, index) => [name, index % 2 === 0 ? "" : "  "]));
  expect(valid(empty)).toEqual(valid({}));
});

test("a problem shows what it got, unless that is a secret", () => {
  expect(problems({ PORT: "http" })).toEqual([
    { name: "PORT", expected: "a whole number from 0 to 65535", got: '"http"' },
  ]);
  const text = JSON.stringify(
    problems({ TOKEN_SECRET: "hunter2", ADMIN_TOKEN: "hunter2", REDIS_URL: "x://:hunter2@h" }),
  );
  expect(text).not.toContain("hunter2");
  expect(text).toContain("a value of 7 characters");
});

test.each([
  "https://*",
  "https://*.com",
  "https://*.",
  "https://a*.example",
  "https://*.*.example",
  "*.app.example",
  "https://*.app.example/x",
])("%s is no pattern of origins", (text) => {
  expect(problems({ ALLOWED_ORIGINS: text }).map(({ name }) => name)).toEqual(["ALLOWED_ORIGINS"]);
});

test("production asks for Redis, for a choice of AUTH and for the origins of its pages", () => {
  expect(problems({ NODE_ENV: "production" }).map(({ name, got }) => [name, got])).toEqual([
    ["REDIS_URL", "nothing"],
    ["AUTH", "nothing"],
    ["ALLOWED_ORIGINS", "nothing"],
  ]);
});

test("a variable that is set and wrong is one problem, and not also a missing one", () => {
  expect(problems({ ...production, AUTH: "open", REDIS_URL: "cache:6379" }).map(({ name }) => name)).toEqual([
    "REDIS_URL",
    "AUTH",
  ]);
});

test("a function on the platform is in production even where NODE_ENV was forgotten", () => {
  expect(problems({ FC_FUNCTION_NAME: "rooms" }).map(({ name }) => name)).toEqual([
    "REDIS_URL",
    "AUTH",
    "ALLOWED_ORIGINS",
  ]);
  expect(valid({ ...production, NODE_ENV: "development", FC_FUNCTION_NAME: "rooms" }).production).toBe(true);
});

test("tokens need a secret or a key set", () => {
  expect(problems({ AUTH: "token" }).map(({ name }) => name)).toEqual(["TOKEN_SECRET"]);
  expect(problems({ AUTH: "token", TOKEN_SECRET: "short" }).map(({ name }) => name)).toEqual(["TOKEN_SECRET"]);
});
