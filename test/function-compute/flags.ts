import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { defaultSettings, type EmulatorSettings, type PlatformName, platformNames } from "./settings.ts";

export const usage = `npm run fc -- [flags], or npm run cut -- --platform NAME [flags]

  --platform function-compute   or ${platformNames.slice(1, 4).join(", ")},
                                ${platformNames.slice(4).join(", ")}
  --port 9000                   the gateway's port; default: PORT, else 9000
  --service-file s.yaml         where the function's settings come from, on function-compute
  --timeout <seconds>           instead of the file's, or the platform's default
  --instance-concurrency <n>    instead of the file's, or the platform's
  --min-instances <n>           instead of the file's, or 0
  --instance-life <seconds>     instances are replaced after about so long
  --rollout-every <seconds>     a deploy replaces all instances so often
  --max-instances ${defaultSettings.maxInstances}            above it: 429
  --cold-start-ms ${defaultSettings.coldStartMs}             added to every start
  --idle-ms ${defaultSettings.idleMs}              how long a frozen instance is kept
  --cut request                 or whole-instance: what the timeout ends
  --domain custom               or default: attachments only, no redirects
  --timeout-header always       or plain-requests, or never: where x-fc-function-timeout is sent
  --env NAME=VALUE              an environment variable over the file's; can be repeated
  --verbose                     print all that the instances print, not their warnings alone

The gateway serves the application's page at / as a host of static files would. REDIS_URL and the variables that the file asks for come from the environment. Without REDIS_URL a Redis is started;
without token settings AUTH is anonymous.`;

export interface Flags {
  readonly platform: PlatformName;
  readonly port: number;
  /** Undefined: nothing is deployed again. */
  readonly rolloutEverySeconds: number | undefined;
  readonly serviceFile: string;
  /** What the flags say over the file, and nothing about what they do not say. */
  readonly settings: Partial<EmulatorSettings>;
  readonly env: Readonly<Record<string, string>>;
  readonly verbose: boolean;
  readonly help: boolean;
}

/** @throws Error that names the flag, what was expected and what was got. */
export function parseFlags(args: readonly string[], env: Readonly<Record<string, string | undefined>> = {}): Flags {
  const { values } = parseArgs({
    args: [...args],
    options: {
      platform: { type: "string", default: "function-compute" },
      port: { type: "string", default: env.PORT || "9000" },
      "instance-life": { type: "string" },
      "rollout-every": { type: "string" },
      "service-file": { type: "string", default: fileURLToPath(new URL("../../s.yaml", import.meta.url)) },
      timeout: { type: "string" },
      "instance-concurrency": { type: "string" },
      "min-instances": { type: "string" },
      "max-instances": { type: "string" },
      "cold-start-ms": { type: "string" },
      "idle-ms": { type: "string" },
      cut: { type: "string" },
      domain: { type: "string" },
      "timeout-header": { type: "string" },
      env: { type: "string", multiple: true, default: [] },
      verbose: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  const number = (name: keyof typeof values, min: number): number | undefined => {
    const text = values[name];
    if (text === undefined) return undefined;
    const value = typeof text === "string" && text.trim() !== "" ? Number(text) : Number.NaN;
    if (!(value >= min)) throw new Error(`--${name}: expected a number of at least ${min}, got "${text}"`);
    return value;
  };
  const choice = <Choice extends string>(name: keyof typeof values, choices: readonly Choice[]) => {
    const text = values[name];
    const chosen = choices.find((candidate) => candidate === text);
    if (text !== undefined && chosen === undefined) {
      throw new Error(`--${name}: expected ${choices.join(" or ")}, got "${text}"`);
    }
    return chosen;
  };
  const settings = {
    timeoutSeconds: number("timeout", 0.1),
    instanceConcurrency: number("instance-concurrency", 1),
    minInstances: number("min-instances", 0),
    maxInstances: number("max-instances", 1),
    instanceLifeSeconds: number("instance-life", 1),
    coldStartMs: number("cold-start-ms", 0),
    idleMs: number("idle-ms", 0),
    cut: choice("cut", ["request", "whole-instance"]),
    domain: choice("domain", ["default", "custom"]),
    timeoutHeader: choice("timeout-header", ["always", "plain-requests", "never"]),
  };
  return {
    platform: choice("platform", platformNames) ?? "function-compute",
    rolloutEverySeconds: number("rollout-every", 1),
    port: number("port", 0) ?? 0,
    serviceFile: values["service-file"],
    settings: Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
    env: Object.fromEntries(values.env.map(parseVariable)),
    verbose: values.verbose,
    help: values.help,
  };
}

function parseVariable(pair: string): [string, string] {
  const [name = "", ...value] = pair.split("=");
  if (name === "" || value.length === 0) throw new Error(`--env: expected NAME=VALUE, got "${pair}"`);
  return [name, value.join("=")];
}
