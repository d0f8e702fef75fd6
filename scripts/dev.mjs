// Runs the server and, whenever a source of the application or the libraries changes, builds it and starts it again. With
// no REDIS_URL one embedded Valkey serves all these starts, so that the rooms stay until this process ends. It looks at
// the files' times instead of watching folders: Node's watcher on Linux loses a file that an editor has replaced.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { newestChangeMs } from "./newest-change.mjs";
import { fail } from "./project.mjs";

const lookEveryMs = 300;
/** SIGINTs within this time are one Ctrl-C: npm hands on what the terminal has sent to this process as well. */
const onePressMs = 300;
const libraries = ["client/src", "server/src"];
const newestOf = (folders) => Math.max(...folders.map(newestChangeMs));
let server;
let endingSinceMs;

process.on("SIGINT", end);
process.on("SIGTERM", end);

const redisUrl = process.env.REDIS_URL || (await startValkey().catch((error) => fail(error.message)));
let builtMs = 0;
let typesBuiltMs = 0;
let areTypesBeingBuilt = false;
for (;;) {
  const changedMs = newestOf(["app", ...libraries]);
  if (changedMs > builtMs) {
    builtMs = changedMs;
    await buildAndRestart();
  }
  // Beside the next build: nobody waits for the types but an application that links the libraries.
  if (newestOf(libraries) > typesBuiltMs && !areTypesBeingBuilt) void buildTypes();
  await delay(lookEveryMs);
}

async function buildTypes() {
  typesBuiltMs = newestOf(libraries);
  areTypesBeingBuilt = true;
  if (!(await succeeds("scripts/build-types.mjs"))) console.error("The libraries' types have errors: see above.");
  areTypesBeingBuilt = false;
}

async function buildAndRestart() {
  if (!(await succeeds("scripts/build.mjs", "--without-types"))) {
    console.error("The build failed; waiting for the next change.");
    return;
  }
  if (isRunning()) {
    const gone = once(server, "exit");
    server.kill("SIGTERM");
    await gone;
  }
  start();
}

/** Does not block: Valkey lives in this process. */
async function succeeds(...script) {
  const [code] = await once(spawn(process.execPath, script, { stdio: "inherit" }), "exit");
  return code === 0;
}

/** The server's own embedded Valkey, from its source, so that what is built need not export it. */
async function startValkey() {
  const { tsImport } = await import("tsx/esm/api");
  const { startEmbeddedValkey } = await tsImport("../server/src/redis/embedded.ts", import.meta.url);
  const { url } = await startEmbeddedValkey();
  console.error(`The embedded Valkey listens on ${url} and keeps the rooms until this ends.`);
  return url;
}

function isRunning() {
  return server !== undefined && server.exitCode === null && server.signalCode === null;
}

function start() {
  if (endingSinceMs !== undefined) return;
  server = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "app/dist/main.mjs"], {
    stdio: "inherit",
    env: { DRAIN_SECONDS: "0", ...process.env, REDIS_URL: redisUrl },
  });
  server.once("exit", (code) => {
    if (endingSinceMs !== undefined) process.exit(0);
    if (code !== 0 && code !== null) console.error("The server ended; waiting for the next change.");
  });
}

// Waits for the server, so that its last words do not come behind the shell's prompt. A terminal sends Ctrl-C to both;
// a SIGTERM on top of it changes nothing.
function end(signal) {
  if (!isRunning()) process.exit(0);
  if (endingSinceMs === undefined) {
    endingSinceMs = performance.now();
    server.kill("SIGTERM");
  } else if (signal === "SIGINT" && performance.now() - endingSinceMs >= onePressMs) {
    server.kill("SIGKILL");
  }
}
