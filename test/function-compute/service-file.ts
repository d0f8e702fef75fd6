import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { JSONWebKeySet } from "jose";
import { parse } from "yaml";
import * as z from "zod";
import { defaultSettings, type FunctionSettings } from "./settings.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What `s.yaml` tells the emulator: the function's settings and how to start its process. */
export interface ServiceFile {
  readonly settings: FunctionSettings;
  /** Program and arguments, started in `workingDirectory`. */
  readonly command: readonly string[];
  /** The folder that `code` names, which the platform unpacks as the instance's working directory. */
  readonly workingDirectory: string;
}

const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

const healthCheck = z.object({
  httpGetUrl: z.string().startsWith("/"),
  initialDelaySeconds: whole(0, 120).default(0),
  periodSeconds: whole(1, 120).default(3),
  timeoutSeconds: whole(1, 3).default(1),
  failureThreshold: whole(1, 120).default(3),
  successThreshold: whole(1, 120).default(1),
});

const hook = (maxSeconds: number) => z.object({ timeout: whole(1, maxSeconds).default(3) });

/** A key set has to come as an object: text, as `env` alone gives it, is what the platform refuses. */
const jwks = z.custom<JSONWebKeySet>(
  (value) => z.object({ keys: z.array(z.looseObject({ kty: z.string() })) }).safeParse(value).success,
  { error: "expected a key set, which json(env('NAME')) makes of a variable" },
);

const trigger = z.object({
  triggerType: z.string(),
  triggerConfig: z.object({
    authType: z.enum(["anonymous", "function", "jwt"]),
    methods: z.array(z.enum(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])),
    authConfig: z
      .object({
        jwks,
        tokenLookup: z.string(),
        claimPassBy: z.string().default(""),
        whitelist: z.array(z.string().startsWith("/")).default([]),
      })
      .optional(),
    disableURLInternet: z.boolean().default(false),
  }),
});

const runtimeConfig = z.object({
  command: z.array(z.string()).default([]),
  entrypoint: z.array(z.string()).default([]),
  args: z.array(z.string()).default([]),
  healthCheckConfig: healthCheck.optional(),
});

/** The part of a function's `props` that the emulator acts on; the rest is for the platform. */
const functionProps = z.object({
  region: z.string(),
  functionName: z.string(),
  code: z.string().optional(),
  cpu: z.coerce.number().positive(),
  memorySize: z.coerce.number().positive(),
  timeout: whole(1, 86_400).default(defaultSettings.timeoutSeconds),
  instanceConcurrency: whole(1, 200).default(defaultSettings.instanceConcurrency),
  environmentVariables: z.record(z.string(), z.coerce.string()).default({}),
  customRuntimeConfig: runtimeConfig.optional(),
  customContainerConfig: runtimeConfig.optional(),
  instanceLifecycleConfig: z.object({ initializer: hook(300).optional(), preStop: hook(90).optional() }).default({}),
  concurrencyConfig: z.object({ reservedConcurrency: whole(0, 1_000_000).optional() }).default({}),
  scalingConfig: z.object({ minInstances: whole(0, 1000).optional() }).default({}),
  triggers: z.array(trigger).default([]),
});

const serviceFile = z.object({
  vars: z.record(z.string(), z.unknown()).default({}),
  resources: z.record(z.string(), z.object({ component: z.string(), props: z.record(z.string(), z.unknown()) })),
});

/**
 * Reads `s.yaml` with its `${env('NAME', 'default')}` and `${vars.x}`. Only what the emulator acts on is resolved, so
 * a missing network or role variable does not stand in the way.
 *
 * @param vars replace those of the file's `vars`
 * @throws Error that names every unresolved variable, or every setting that is out of its range.
 */
export function readServiceFile(
  path: string,
  environment: Environment,
  vars: Readonly<Record<string, unknown>> = {},
): ServiceFile {
  const file = serviceFile.parse(parse(readFileSync(path, "utf8")));
  const resource = Object.values(file.resources).find(({ component }) => component === "fc3");
  if (!resource) throw new Error(`${path}: expected a resource with component fc3, found none`);
  const wanted = Object.keys(functionProps.shape);
  const raw = Object.fromEntries(Object.entries(resource.props).filter(([key]) => wanted.includes(key)));
  const props = functionProps.parse(resolvePlaceholders(raw, { ...file.vars, ...vars }, environment));

  const runtime = props.customRuntimeConfig ?? props.customContainerConfig;
  const http = props.triggers.find(({ triggerType }) => triggerType === "http")?.triggerConfig;
  const { initializer, preStop } = props.instanceLifecycleConfig;
  return {
    command: runtime ? [...runtime.entrypoint, ...runtime.command, ...runtime.args] : [],
    workingDirectory: resolve(dirname(path), props.code ?? "."),
    settings: {
      region: props.region,
      functionName: props.functionName,
      cpu: props.cpu,
      memoryMb: props.memorySize,
      timeoutSeconds: props.timeout,
      instanceConcurrency: props.instanceConcurrency,
      environmentVariables: props.environmentVariables,
      healthCheck: runtime?.healthCheckConfig ?? null,
      initializer: initializer ? { timeoutSeconds: initializer.timeout } : null,
      preStop: preStop ? { timeoutSeconds: preStop.timeout } : null,
      trigger: http
        ? {
            authType: http.authType,
            methods: http.methods,
            jwt: http.authConfig ?? null,
            disableUrlInternet: http.disableURLInternet,
          }
        : null,
      reservedConcurrency: props.concurrencyConfig.reservedConcurrency ?? null,
      minInstances: props.scalingConfig.minInstances ?? 0,
    },
  };
}

/**
 * Replaces every placeholder in a tree of YAML values. A string that is one placeholder takes the type of its value.
 *
 * @throws Error that names all placeholders that cannot be resolved.
 */
export function resolvePlaceholders(tree: unknown, vars: Readonly<Record<string, unknown>>, environment: Environment) {
  const problems: string[] = [];
  const lookUp = (expression: string): unknown => {
    const env = /^env\(\s*(["'])(?<name>[^"']*)\1\s*(?:,\s*(["'])(?<fallback>.*)\3\s*)?\)$/.exec(expression)?.groups;
    if (env?.name !== undefined) {
      const value = environment[env.name] ?? env.fallback;
      if (value === undefined) problems.push(`environment variable ${env.name} is not set and has no default`);
      return value ?? "";
    }
    const json = /^json\((.*)\)$/.exec(expression)?.[1];
    if (json !== undefined) {
      const text = lookUp(json.trim());
      if (typeof text === "string" && text !== "") {
        try {
          return JSON.parse(text) as unknown;
        } catch {
          problems.push(`\${${expression}} is no JSON`);
        }
      }
      return text;
    }
    if (!expression.startsWith("vars.")) {
      problems.push(
        `\${${expression}} is none of env('NAME', 'default'), json(env('NAME')) and vars.<name>[.toString()]`,
      );
      return "";
    }
    const path = expression.replace(/\.toString\(\)$/, "");
    let value: unknown = vars;
    for (const key of path.split(".").slice(1)) {
      value = typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined;
    }
    if (value === undefined) problems.push(`\${${expression}} is not defined`);
    const resolved = visit(value ?? "");
    return path === expression ? resolved : String(resolved);
  };
  const visit = (node: unknown): unknown => {
    if (typeof node === "string") {
      const only = /^\$\{([^}]*)\}$/.exec(node)?.[1];
      if (only !== undefined) return lookUp(only.trim());
      return node.replaceAll(/\$\{([^}]*)\}/g, (_, expression: string) => String(lookUp(expression.trim())));
    }
    if (Array.isArray(node)) return node.map(visit);
    if (typeof node !== "object" || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, visit(value)]));
  };
  const resolved = visit(tree);
  if (problems.length > 0) throw new Error(`s.yaml cannot be resolved:\n  ${[...new Set(problems)].join("\n  ")}`);
  return resolved;
}
