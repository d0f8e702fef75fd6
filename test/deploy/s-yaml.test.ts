import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { expect, test } from "vitest";
import { parseConfig } from "../../server/src/config.ts";
import { readServiceFile, resolvePlaceholders } from "../function-compute/service-file.ts";
import { startFixture } from "../function-compute/support.ts";
import { read, repository } from "../support/markdown.ts";
import { type Fc3File, fc3File } from "./fc3-schema.ts";
import { preview, previewOf } from "./preview.ts";

const shell = {
  REDIS_URL: "redis://:secret@r-0123456789.redis.rds.aliyuncs.com:6379",
  VPC_ID: "vpc-bp1aevy8sofi8mh1q0123",
  VSWITCH_ID: "vsw-bp1b1uxl1ghm49f1p0123",
  SECURITY_GROUP_ID: "sg-bp15ly3z4z9jrp6z0123",
  TOKEN_SECRET: "a secret that is long enough to sign tokens with",
  ALLOWED_ORIGINS: "https://app.example",
  IMAGE: "registry-vpc.cn-hangzhou.aliyuncs.com/holdfast/server:0.1.0",
};

const customFile = "s.yaml";
const containerFile = "server/container/s.yaml";
const files = [customFile, containerFile];

/** One resolution of each file for the whole suite, and a copy of it for each test. */
const resolved = new Map<string, Promise<unknown>>();

async function resolve(file: string): Promise<Fc3File> {
  const resolution = resolved.get(file) ?? preview(file, shell);
  resolved.set(file, resolution);
  return structuredClone(fc3File.parse(await resolution));
}

test.each(files)("%s resolves offline to what the platform accepts", async (file) => {
  const { props } = (await resolve(file)).resources.server;
  expect(props.timeout).toBe(3600);
  expect(props.instanceConcurrency).toBe(100);
  expect(props.environmentVariables.FUNCTION_TIMEOUT_SECONDS).toBe("3600");
  expect(props.triggers[0]?.triggerConfig.methods).toEqual(["GET", "POST"]);
});

test.each(files)(
  "the server starts with the variables of %s, as a production server that wants tokens",
  async (file) => {
    const { props } = (await resolve(file)).resources.server;
    const config = parseConfig({ ...props.environmentVariables, FC_SERVER_PORT: "9000", FC_FUNCTION_NAME: "holdfast" });
    expect(config).toMatchObject({
      production: true,
      port: 9000,
      redis: { kind: "single", url: shell.REDIS_URL },
      surroundings: { name: "function-compute", lifetimeSeconds: 3600 },
      auth: { mode: "token", key: { secret: shell.TOKEN_SECRET } },
      allowedOrigins: ["https://app.example"],
      adminToken: undefined,
    });
  },
);

test.each(files)("the drain of %s ends before the platform's patience does", async (file) => {
  const { props } = (await resolve(file)).resources.server;
  const config = parseConfig(props.environmentVariables);
  if (!("drainSeconds" in config)) throw new Error("expected a configuration");
  expect(props.instanceLifecycleConfig?.preStop?.timeout).toBeGreaterThan(config.drainSeconds);
});

test.each(files)("%s asks an instance for its health at once, and runs on what every region has", async (file) => {
  const { props } = (await resolve(file)).resources.server;
  const config = props.runtime === "custom-container" ? props.customContainerConfig : props.customRuntimeConfig;
  expect(config.healthCheckConfig).toMatchObject({ httpGetUrl: "/healthz", initialDelaySeconds: 0 });
  expect(["custom.debian11", "custom-container"]).toContain(props.runtime);
});

test.each(files)("what %s only comments on is valid where it is switched on", async (file) => {
  const text = readFileSync(join(repository, file), "utf8");
  const switchedOn = text.replaceAll(
    /^( +)# (?=(scalingConfig|concurrencyConfig| {2}(minInstances|reservedConcurrency)):)/gm,
    "$1",
  );
  const { props } = fc3File.parse(await previewOf(switchedOn, shell)).resources.server;
  expect(props.scalingConfig).toEqual({ minInstances: 1 });
  expect(props.concurrencyConfig).toEqual({ reservedConcurrency: 1000 });
});

const guide = read("server/README.md");
/** Without the two spaces by which the fence itself is indented. */
const jwtSnippet = (/```yaml\n( +authType: jwt\n[\s\S]*?) *```/.exec(guide)?.[1] ?? "").replaceAll(/^ {2}/gm, "");

test("the guide's authConfig resolves to what the platform accepts, and lets in who has a token", async () => {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "RS256", use: "sig" }] };
  const env = { ...shell, TRIGGER_JWKS: JSON.stringify(jwks) };
  const text = readFileSync(join(repository, customFile), "utf8");
  const file = text.replace(/^ +authType: anonymous\n/m, jwtSnippet);
  const { triggers } = fc3File.parse(await previewOf(file, env)).resources.server.props;
  expect(triggers[0]?.triggerConfig.authConfig?.jwks).toEqual(jwks);

  // The emulator reads it as Serverless Devs does.
  const path = join(await mkdtemp(join(tmpdir(), "holdfast-jwt-")), "s.yaml");
  await writeFile(path, file);
  const { settings } = readServiceFile(path, env);
  await using fc = await startFixture({ trigger: settings.trigger, instanceConcurrency: 10 });
  await rm(dirname(path), { recursive: true });
  const token = await new SignJWT({ sub: "ann" })
    .setProtectedHeader({ alg: "RS256", kid: "k1" })
    .setExpirationTime("1 minute")
    .sign(privateKey);
  const status = async (path: string, headers: Record<string, string> = {}) =>
    (await fetch(`${fc.url}${path}`, { headers })).status;
  expect(await status(`/echo?token=${token}`)).toBe(200);
  expect(await status("/echo", { authorization: `Bearer ${token}` })).toBe(200);
  expect(await status("/echo", { cookie: `token=${token}` })).toBe(200);
  expect(await status("/echo")).toBe(400);
  // The platform's health check and a monitor need no token; the fixture has no such route.
  expect(await status("/healthz")).toBe(404);
});

test("a key set that is only text is refused, as the platform refuses it", () => {
  const problem = resolvePlaceholders({ jwks: "$" + "{env('TRIGGER_JWKS')}" }, {}, { TRIGGER_JWKS: '{"keys":[]}' });
  expect(fc3File.safeParse(problem).success).toBe(false);
  expect(() => resolvePlaceholders("$" + "{json(env('TRIGGER_JWKS'))}", {}, { TRIGGER_JWKS: "{" })).toThrow(
    "is no JSON",
  );
});

test("the custom runtime runs the build output with the layer's Node.js", async () => {
  const { props } = (await resolve(customFile)).resources.server;
  if (props.runtime === "custom-container") throw new Error("expected a custom runtime");
  expect(props.layers).toEqual(["acs:fc:cn-hangzhou:official:layers/Nodejs22/versions/3"]);
  expect(props.environmentVariables.PATH).toMatch(/^\/opt\/nodejs22\/bin:/);
  expect([props.code, ...props.customRuntimeConfig.command]).toEqual(["./app/dist", "node", "main.mjs"]);
});

test("both files say the same about everything but the runtime", async () => {
  const [custom, container] = [await resolve(customFile), await resolve(containerFile)];
  const common = (file: Fc3File) => {
    const { props } = file.resources.server;
    const { runtime, environmentVariables, ...rest } = props;
    const { PATH: _path, ...variables } = environmentVariables;
    const config = props.runtime === "custom-container" ? props.customContainerConfig : props.customRuntimeConfig;
    const own = new Set(["code", "layers", "customRuntimeConfig", "customContainerConfig"]);
    return {
      variables,
      vars: file.vars,
      port: config.port,
      healthCheck: config.healthCheckConfig,
      rest: Object.entries(rest).filter(([key]) => !own.has(key)),
    };
  };
  expect(common(container)).toEqual(common(custom));
});

test.each(["REDIS_URL", "VPC_ID", "VSWITCH_ID", "SECURITY_GROUP_ID"])(
  "a forgotten %s stops the deployment",
  async (name) => {
    const { [name]: _forgotten, ...rest } = shell as Record<string, string>;
    await expect(preview(customFile, rest)).rejects.toThrow(`env('${name}') not found`);
  },
);

/** What was changed, where (a path below the function's props), to what. */
const violations: [string, string, unknown][] = [
  ["an unknown key", "instanceConcurency", 100],
  ["an unknown key further down", "customRuntimeConfig.healthCheckConfig.path", "/healthz"],
  ["a cpu with too little memory", "cpu", 1],
  ["a cpu with too much memory", "cpu", 0.1],
  ["a cpu between two steps", "cpu", 0.47],
  ["memory between two steps", "memorySize", 520],
  ["a disk of another size", "diskSize", 1024],
  ["a concurrency above the limit", "instanceConcurrency", 201],
  ["a time-out above a day", "timeout", 86_401],
  ["a time-out that is text", "timeout", "3600"],
  ["a variable of the platform's own", "environmentVariables.FC_SERVER_PORT", "9000"],
  ["a variable that is a number", "environmentVariables.FUNCTION_TIMEOUT_SECONDS", 3600],
  ["a variable with a bad name", "environmentVariables.REDIS-URL", "redis://localhost"],
  ["more than 4 KB of variables", "environmentVariables.TOKEN_SECRET", "x".repeat(4096)],
  ["a function name that starts with a digit", "functionName", "1holdfast"],
  ["a function name that is too long", "functionName", "h".repeat(65)],
  ["a runtime that does not exist", "runtime", "custom.debian13"],
  ["a layer of another region", "layers.0", "acs:fc:cn-shanghai:official:layers/Nodejs22/versions/3"],
  ["a health check that takes too long", "customRuntimeConfig.healthCheckConfig.timeoutSeconds", 4],
  ["a health check on no path", "customRuntimeConfig.healthCheckConfig.httpGetUrl", "healthz"],
  ["an initializer that takes too long", "instanceLifecycleConfig.initializer.timeout", 301],
  ["a pre-stop hook that takes too long", "instanceLifecycleConfig.preStop.timeout", 91],
  ["a hook without a handler", "instanceLifecycleConfig.preStop.handler", ""],
  ["no network", "vpcConfig", undefined],
  ["an empty vSwitch", "vpcConfig.vSwitchIds.0", ""],
  ["a method that does not exist", "triggers.0.triggerConfig.methods.1", "FETCH"],
  ["no GET, which a WebSocket needs", "triggers.0.triggerConfig.methods.0", "PUT"],
  ["a method twice", "triggers.0.triggerConfig.methods.1", "GET"],
  ["a JWT check without keys", "triggers.0.triggerConfig.authType", "jwt"],
  ["a trigger of another type", "triggers.0.triggerType", "timer"],
  ["a container's settings in a custom runtime", "customContainerConfig", { image: shell.IMAGE, port: 9000 }],
];

test.each(violations)("%s is a violation", async (_what, path, value) => {
  const file = await resolve(customFile);
  set(file.resources.server.props as unknown as Tree, path.split("."), value);
  expect(fc3File.safeParse(file).success).toBe(false);
});

type Tree = { [key: string]: Tree | unknown };

function set(tree: Tree, [key = "", ...rest]: string[], value: unknown): void {
  if (rest.length === 0) tree[key] = value;
  else set(tree[key] as Tree, rest, value);
}
