import { accountId, dummyCredentials, qualifier } from "./identity.ts";
import type { InstanceFacts, Profile, RequestFacts } from "./profile.ts";
import type { PlatformName } from "./settings.ts";

const port = ({ port: number }: InstanceFacts) => ({ PORT: String(number) });
const timeoutIn = (unitMs: number, { settings }: RequestFacts) => String((settings.timeoutSeconds * 1000) / unitMs);
const signal = { graceMs: 30_000, times: 1, routedMs: 0 };

/** Every platform that can be emulated; what is known of each is in the deployment guide. */
export const profiles = {
  "function-compute": {
    title: "Function Compute",
    environment: ({ settings, instanceId, port: number }) => ({
      FC_FUNCTION_NAME: settings.functionName,
      FC_INSTANCE_ID: instanceId,
      FC_REGION: settings.region,
      FC_ACCOUNT_ID: accountId,
      FC_FUNCTION_MEMORY_SIZE: String(settings.memoryMb),
      FC_FUNCTION_VERSION: qualifier,
      FC_CUSTOM_LISTEN_PORT: String(number),
      FC_SERVER_PORT: String(number),
    }),
    headers: (facts) => ({
      "x-fc-request-id": facts.requestId,
      ...(facts.controlPath === null ? {} : { "x-fc-control-path": facts.controlPath }),
      "x-fc-function-name": facts.settings.functionName,
      "x-fc-function-memory": String(facts.settings.memoryMb),
      ...(facts.tellsTimeout ? { "x-fc-function-timeout": timeoutIn(1000, facts) } : {}),
      "x-fc-region": facts.settings.region,
      "x-fc-account-id": accountId,
      "x-fc-qualifier": qualifier,
      ...dummyCredentials,
    }),
    ownHeaders: "x-fc-",
    gateway: "function-compute",
    rest: "freeze",
    stop: "hook",
    update: "waits",
    settings: {},
  },
  functiongraph: {
    title: "FunctionGraph",
    environment: (facts) => ({
      RUNTIME_FUNC_NAME: facts.settings.functionName,
      RUNTIME_FUNC_VERSION: "latest",
      RUNTIME_PROJECT_ID: accountId,
      ...port(facts),
    }),
    headers: (facts) => ({
      "x-cff-request-id": facts.requestId,
      "x-cff-func-name": facts.settings.functionName,
      "x-cff-memory": String(facts.settings.memoryMb),
      ...(facts.tellsTimeout ? { "x-cff-timeout": timeoutIn(1000, facts) } : {}),
      "x-cff-security-token": "emulator-security-token",
    }),
    ownHeaders: "x-cff-",
    gateway: "plain",
    rest: "freeze",
    stop: null,
    update: "waits",
    settings: { timeoutSeconds: 900, instanceConcurrency: 100 },
  },
  scf: {
    title: "Tencent SCF",
    environment: (facts) => ({
      TENCENTCLOUD_RUNENV: "SCF",
      SCF_FUNCTIONNAME: facts.settings.functionName,
      ...port(facts),
    }),
    headers: (facts) => ({
      "x-scf-request-id": facts.requestId,
      "x-scf-name": facts.settings.functionName,
      "x-scf-memory": String(facts.settings.memoryMb),
      ...(facts.tellsTimeout ? { "x-scf-timeout": timeoutIn(1, facts) } : {}),
    }),
    ownHeaders: "x-scf-",
    gateway: "plain",
    rest: "freeze",
    stop: null,
    update: "waits",
    settings: { timeoutSeconds: 900, instanceConcurrency: 1, idleCutMs: 60_000, largestFrameBytes: 256 * 1024 },
  },
  vercel: {
    title: "Vercel",
    environment: (facts) => ({ VERCEL: "1", VERCEL_ENV: "production", VERCEL_REGION: "fra1", ...port(facts) }),
    headers: ({ requestId }) => ({ "x-vercel-id": `fra1::${requestId}`, "x-vercel-oidc-token": "emulator-oidc-token" }),
    ownHeaders: "x-vercel-",
    gateway: "plain",
    rest: "freeze",
    stop: null,
    update: "waits",
    settings: { timeoutSeconds: 300, instanceConcurrency: 100 },
  },
  "cloud-run": {
    title: "Cloud Run",
    environment: (facts) => ({
      K_SERVICE: facts.settings.functionName,
      K_REVISION: `${facts.settings.functionName}-00001`,
      ...(facts.settings.timeoutHeader === "always"
        ? { CLOUD_RUN_TIMEOUT_SECONDS: String(facts.settings.timeoutSeconds) }
        : {}),
      ...port(facts),
    }),
    headers: ({ requestId }) => ({ "x-cloud-trace-context": `${requestId.replaceAll("-", "")}/1;o=1` }),
    ownHeaders: "x-cloud-",
    gateway: "plain",
    rest: "throttle",
    stop: { ...signal, signal: "SIGTERM", graceMs: 10_000 },
    update: "waits",
    settings: { timeoutSeconds: 300, instanceConcurrency: 80 },
  },
  kubernetes: {
    title: "Kubernetes",
    environment: (facts) => ({
      KUBERNETES_SERVICE_HOST: "10.0.0.1",
      HOSTNAME: facts.instanceId,
      ...port(facts),
    }),
    headers: ({ requestId }) => ({ "x-request-id": requestId }),
    ownHeaders: "x-request-id",
    gateway: "plain",
    rest: "run",
    // Endpoints are removed beside the signal, so for a moment connections still come.
    stop: { ...signal, signal: "SIGTERM", routedMs: 500 },
    update: "replaces",
    settings: {
      timeoutSeconds: Number.POSITIVE_INFINITY,
      instanceConcurrency: 1000,
      // ingress-nginx's default.
      idleCutMs: 60_000,
      healthCheck: {
        httpGetUrl: "/readyz",
        initialDelaySeconds: 0,
        periodSeconds: 1,
        timeoutSeconds: 1,
        failureThreshold: 1,
        successThreshold: 1,
      },
    },
  },
  heroku: {
    title: "Heroku",
    environment: (facts) => ({ DYNO: "web.1", ...port(facts) }),
    headers: ({ requestId }) => ({ "x-request-id": requestId, via: "1.1 vegur" }),
    ownHeaders: "x-request-id",
    gateway: "plain",
    rest: "run",
    stop: { ...signal, signal: "SIGTERM", times: 3 },
    update: "replaces",
    settings: {
      timeoutSeconds: Number.POSITIVE_INFINITY,
      instanceConcurrency: 1000,
      idleCutMs: 55_000,
      // Each within 24 hours, and up to 216 minutes more.
      instanceLifeSeconds: 24 * 3600,
    },
  },
  fly: {
    title: "Fly.io",
    environment: (facts) => ({
      FLY_APP_NAME: facts.settings.functionName,
      FLY_MACHINE_ID: facts.instanceId,
      ...port(facts),
    }),
    headers: ({ requestId }) => ({ "fly-request-id": requestId, "fly-client-ip": "192.0.2.1" }),
    ownHeaders: "fly-",
    gateway: "plain",
    rest: "run",
    stop: { ...signal, signal: "SIGINT", graceMs: 5_000 },
    update: "replaces",
    settings: { timeoutSeconds: Number.POSITIVE_INFINITY, instanceConcurrency: 1000 },
  },
} as const satisfies Readonly<Record<PlatformName, Profile>>;

export function profileOf({ platform }: { readonly platform: PlatformName }): Profile {
  return profiles[platform];
}
