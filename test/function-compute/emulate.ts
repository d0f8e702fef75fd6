import { fileURLToPath } from "node:url";
import { settings as serverSettings } from "../../server/src/config.ts";
import { startRedis } from "../support/redis-server.ts";
import type { Flags } from "./flags.ts";
import { type FunctionCompute, type FunctionOptions, startFunctionCompute } from "./index.ts";
import { profiles } from "./profiles.ts";
import { readServiceFile } from "./service-file.ts";
import { defaultSettings, type EmulatorSettings } from "./settings.ts";
import { readStaticPage } from "./static-page.ts";
import { statusLine } from "./status-line.ts";
import { ConnectionLines, instanceLine } from "./terminal-lines.ts";

const LIVE_LINE_MS = 1000;
const builtApplication = fileURLToPath(new URL("../../app/dist", import.meta.url));
const builtPage = fileURLToPath(new URL("../../app/page/dist", import.meta.url));

/**
 * Runs the emulator in a terminal, until a signal asks to stop.
 *
 * @param advice - what is printed once it listens, by the address to open
 */
export async function emulate(flags: Flags, advice?: (url: string) => string): Promise<void> {
  const environment: NodeJS.ProcessEnv = { ...process.env, ...flags.env };
  if (environment.TOKEN_SECRET === undefined && environment.TOKEN_JWKS_URL === undefined) {
    environment.AUTH ??= "anonymous";
  }
  environment.ALLOWED_ORIGINS ??= "*";
  await using redis = environment.REDIS_URL === undefined ? await startRedis() : null;
  environment.REDIS_URL ??= redis?.url;

  const { port, env, platform } = flags;
  const { settings, command, workingDirectory } = deployment(flags, environment);
  const page = workingDirectory === builtApplication ? readStaticPage(builtPage) : undefined;
  await using fc = await startFunctionCompute({ settings, command, workingDirectory, env, port, page });
  console.log(`${profiles[platform].title} emulator on ${fc.url}, Redis at ${environment.REDIS_URL}`);
  console.log(
    `${Number.isFinite(settings.timeoutSeconds) ? `timeout ${settings.timeoutSeconds} s` : "no timeout"}, ${settings.instanceConcurrency} requests an instance, ` +
      `at most ${settings.maxInstances} instances`,
  );
  if (advice !== undefined) console.log(advice(`http://localhost:${fc.port}`));
  else if (page !== undefined) console.log(`the application's page: http://localhost:${fc.port}`);
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
    workingDirectory: builtApplication,
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
  const lines = new ConnectionLines();
  events.on("connection:opened", (facts) => lines.opened(facts, Date.now()));
  events.on("connection:closed", (facts) => print(lines.closed(facts, Date.now())));
  events.on("connection:cut", (facts) => print(lines.cut(facts)));
  events.on("instance:output", ({ instanceId, line }) => {
    const told = verbose ? `${instanceId} ${line}` : instanceLine(instanceId, line);
    if (told !== undefined) print(told);
  });

  const rollouts =
    rolloutEverySeconds === undefined
      ? undefined
      : setInterval(() => {
          print("a new version is deployed");
          fc.update({}).catch((error: unknown) => print(`it does not start: ${String(error)}`));
        }, rolloutEverySeconds * 1000);
  let last = "";
  const live = setInterval(() => {
    const state = { instances: instances(), counts: counts() };
    const line = statusLine({ ...state, cost: platform === "function-compute" ? meter() : null });
    // Where lines stay, the growing bill alone is no reason for another one.
    const happened = statusLine({ ...state, cost: null });
    if (terminal) process.stdout.write(`\r\u001b[K${line}`);
    else if (happened !== last) console.log(line);
    last = happened;
  }, LIVE_LINE_MS);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  clearInterval(live);
  clearInterval(rollouts);
  print("stopping");
}
