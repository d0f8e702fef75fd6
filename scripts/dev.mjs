// Runs the server and, whenever a source of the server or the client changes, builds it anew and starts it again. With
// no REDIS_URL the embedded Valkey starts anew too, and with it every room.
import { execFileSync, spawn } from "node:child_process";
import { watch } from "node:fs";

process.chdir(new URL("..", import.meta.url).pathname);
const settleMs = 150;
let server;
let timer;

function start() {
  try {
    execFileSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
  } catch {
    console.error("The build failed; waiting for the next change.");
    return;
  }
  server = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", "server/dist/main.mjs"], {
    stdio: "inherit",
    env: { DRAIN_SECONDS: "0", ...process.env },
  });
}

function restart() {
  if (server === undefined || server.exitCode !== null || server.signalCode !== null) return start();
  server.once("exit", start);
  server.kill("SIGTERM");
}

for (const folder of ["client/src", "client/demo", "server/src"]) {
  watch(folder, { recursive: true }, () => {
    clearTimeout(timer);
    timer = setTimeout(restart, settleMs);
  });
}
start();
