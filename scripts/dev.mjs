// Runs the server and, whenever a source of the server or the client changes, builds it anew and starts it again. With
// no REDIS_URL the embedded Valkey starts anew too, and with it every room. It looks at the files' times instead of
// watching folders: Node's watcher on Linux loses a file that an editor has replaced.
import { execFileSync, spawn } from "node:child_process";
import { newestChangeMs } from "./newest-change.mjs";
import "./project.mjs";

const lookEveryMs = 300;
const folders = ["client/src", "client/demo", "server/src"];
const newest = () => Math.max(...folders.map(newestChangeMs));
let server;
let built = 0;

function buildAndRestart() {
  built = newest();
  try {
    execFileSync(process.execPath, ["scripts/build.mjs", "--without-types"], { stdio: "inherit" });
  } catch {
    console.error("The build failed; waiting for the next change.");
    return;
  }
  if (server === undefined || server.exitCode !== null || server.signalCode !== null) return start();
  server.once("exit", start);
  server.kill("SIGTERM");
}

function start() {
  server = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "server/dist/main.mjs"], {
    stdio: "inherit",
    env: { DRAIN_SECONDS: "0", ...process.env },
  });
  server.once("exit", (code) => {
    if (code !== 0 && code !== null) console.error("The server ended; waiting for the next change.");
  });
}

// Ctrl-C reaches the server by itself, as a terminal sends it to both.
process.on("SIGTERM", () => {
  server?.kill("SIGTERM");
  process.exit(0);
});

buildAndRestart();
setInterval(() => {
  if (newest() > built) buildAndRestart();
}, lookEveryMs);
