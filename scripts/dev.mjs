// Runs the server and, whenever a source of the server or the client changes, builds it anew and starts it again. With
// no REDIS_URL the embedded Valkey starts anew too, and with it every room. It looks at the files' times instead of
// watching folders: Node's watcher on Linux loses a file that an editor has replaced.
import { execFileSync, spawn } from "node:child_process";
import { newestChangeMs } from "./newest-change.mjs";
import "./project.mjs";

const lookEveryMs = 300;
/** SIGINTs within this time are one Ctrl-C: npm hands on what the terminal has sent to this process as well. */
const onePressMs = 300;
const folders = ["app", "client/src", "server/src"];
const newest = () => Math.max(...folders.map(newestChangeMs));
let server;
let built = 0;
let endingSinceMs;

function buildAndRestart() {
  built = newest();
  try {
    execFileSync(process.execPath, ["scripts/build.mjs", "--without-types"], { stdio: "inherit" });
  } catch {
    console.error("The build failed; waiting for the next change.");
    return;
  }
  if (!isRunning()) return start();
  server.once("exit", start);
  server.kill("SIGTERM");
}

function isRunning() {
  return server !== undefined && server.exitCode === null && server.signalCode === null;
}

function start() {
  if (endingSinceMs !== undefined) return;
  server = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "app/dist/main.mjs"], {
    stdio: "inherit",
    env: { DRAIN_SECONDS: "0", ...process.env },
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
process.on("SIGINT", end);
process.on("SIGTERM", end);

buildAndRestart();
setInterval(() => {
  if (endingSinceMs === undefined && newest() > built) buildAndRestart();
}, lookEveryMs);
