import { startRedis } from "../support/redis-server.ts";
import { parseFlags, usage } from "./flags.ts";
import { type FunctionCompute, startFunctionCompute } from "./index.ts";
import { readServiceFile } from "./service-file.ts";
import { defaultSettings } from "./settings.ts";
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

  const { timeoutSeconds: timeout } = flags.settings;
  // The file hands the same number to the platform and to the server.
  const file = readServiceFile(flags.serviceFile, environment, timeout === undefined ? {} : { timeout });
  const settings = { ...defaultSettings, ...file.settings, ...flags.settings };
  const { command, workingDirectory } = file;
  const { port, env } = flags;
  await using fc = await startFunctionCompute({ settings, command, workingDirectory, env, port });
  console.log(`Function Compute emulator on ${fc.url}, Redis at ${environment.REDIS_URL}`);
  console.log(
    `timeout ${settings.timeoutSeconds} s, ${settings.instanceConcurrency} requests an instance, ` +
      `at most ${settings.maxInstances} instances, settings from ${flags.serviceFile}`,
  );
  await show(fc, flags.verbose);
}

/** Prints what happens, and the live line, until a signal asks to stop. */
async function show({ events, instances, counts, meter }: FunctionCompute, verbose: boolean): Promise<void> {
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

  let last = "";
  const live = setInterval(() => {
    const line = statusLine({ instances: instances(), counts: counts(), cost: meter() });
    if (terminal) process.stdout.write(`\r\u001b[K${line}`);
    else if (line !== last) console.log(line);
    last = line;
  }, LIVE_LINE_MS);
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => resolve());
  });
  clearInterval(live);
  print("stopping");
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
