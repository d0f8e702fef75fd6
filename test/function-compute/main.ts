import { fileURLToPath } from "node:url";
import { settings as serverSettings } from "../../server/src/config.ts";
import { startRedis } from "../support/redis-server.ts";
import { type Flags, parseFlags, usage } from "./flags.ts";
import { type FunctionCompute, type FunctionOptions, startFunctionCompute } from "./index.ts";
import { profiles } from "./profiles.ts";
import { readServiceFile } from "./service-file.ts";
import { defaultSettings, type EmulatorSettings } from "./settings.ts";
import { statusLine } from "./status-line.ts";

const LIVE_LINE_MS = 1000;

async function main(): Promise<void> {
  const flags = parseFlags(process.argv.slice(2));
  if (flags.help) {
    console.log(usage);
    return;
  }
  const environment: NodeJS.ProcessEnv = { ...process.env, ...flags.env };
  if (environment.TOKEN_SECRET === undefined && environment.TOKEN_JWKS_URL === undefined) {
    environment.AUTH ??= "anonymous";
  }
  environment.ALLOWED_ORIGINS ??= "*";
  await using redis = environment.REDIS_URL === undefined ? await startRedis() : null;
  environment.REDIS_URL ??= redis?.url;

  const { port, env, platform } = flags;
  const { settings, command, workingDirectory } = deployment(flags, environment);
  await using fc = await startFunctionCompute({ settings, command, workingDirectory, env, port });
  console.log(`${profiles[platform].title} emulator on ${fc.url}, Redis at ${environment.REDIS_URL}`);
  console.log(
    `${Number.isFinite(settings.timeoutSeconds) ? `timeout ${settings.timeoutSeconds} s` : "no timeout"}, ${settings.instanceConcurrency} requests an instance, ` +
      `at most ${settings.maxInstances} instances`,
  );
  await show(fc, flags);
}

type Deployed = Required<Pick<FunctionOptions, "command" | "workingDirectory">> & {
  readonly settings: EmulatorSettings;
};

/** What runs: on Function Compute what the service file deploys, elsewhere the built application with the shell's settings. */
function deployment(flags: Flags, environment: NodeJS.ProcessEnv): Deployed {
  const { platform } = flags;
  const { timeoutSeconds: timeout } = flags.settings;
  if (platform === "function-compute") {
    // The file hands the same number to the platform and to the server.
    const file = readServiceFile(flags.serviceFile, environment, timeout === undefined ? {} : { timeout });
    return { ...file, settings: { ...defaultSettings, ...file.settings, ...flags.settings } };
  }
  const given = Object.keys(serverSettings).flatMap((name) => {
    const value = environment[name];
    return value === undefined || name === "PORT" ? [] : [[name, value]];
  });
  const environmentVariables = Object.fromEntries(given);
  return {
    settings: { ...defaultSettings, ...profiles[platform].settings, ...flags.settings, platform, environmentVariables },
    command: [process.execPath, "main.mjs"],
    workingDirectory: fileURLToPath(new URL("../../app/dist", import.meta.url)),
  };
}

/** Prints what happens, and the live line, until a signal asks to stop. */
async function show(fc: FunctionCompute, { verbose, rolloutEverySeconds, platform }: Flags): Promise<void> {
  const { events, instances, counts, meter } = fc;
  const terminal = process.stdout.isTTY;
  const print = (line: string) => console.log(terminal ? `\r\u001b[K${line}` : line);
  events.on("instance:started", ({ instanceId, startMs }) => print(`${instanceId} started in ${startMs} ms`));
  events.on("instance:destroyed", ({ instanceId, reason }) => print(`${instanceId} destroyed: ${reason}`));
  events.on("instance:health", ({ instanceId, healthy }) => {
    print(`${instanceId} is ${healthy ? "healthy again" : "unhealthy"}`);
  });
  events.on("request:ended", ({ method, url, status, instanceId }) => {
    if (status >= 400) print(`${status} ${method} ${url} (${instanceId ?? "gateway"})`);
  });
  if (verbose) events.on("instance:output", ({ instanceId, line }) => print(`${instanceId} ${line}`));

  const rollouts =
    rolloutEverySeconds === undefined
      ? undefined
      : setInterval(() => {
          print("a new version is deployed");
          fc.update({}).catch((error: unknown) => print(`it does not start: ${String(error)}`));
        }, rolloutEverySeconds * 1000);
  let last = "";
  const live = setInterval(() => {
    const line = statusLine({
      instances: instances(),
      counts: counts(),
      cost: platform === "function-compute" ? meter() : null,
    });
    if (terminal) process.stdout.write(`\r\u001b[K${line}`);
    else if (line !== last) console.log(line);
    last = line;
  }, LIVE_LINE_MS);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  clearInterval(live);
  clearInterval(rollouts);
  print("stopping");
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
