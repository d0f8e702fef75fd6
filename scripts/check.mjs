// Everything that can be found without running the project: format and lint, types, import direction and cycles,
// unused files and exports, the page of the API, the size of the client, and known weaknesses of what production installs. All are run, so that one run tells everything.
import { spawn } from "node:child_process";
import { tsc } from "./project.mjs";

const parts = ["app", "client", "server", "test"];
const checks = {
  "format and lint": ["biome", "check", "--error-on-warnings", "."],
  types: ["node", tsc, "-p", "."],
  "import direction and cycles": ["depcruise", "--config", ".dependency-cruiser.mjs", ...parts],
  "unused exports": ["knip"],
  "the page of the API": ["node", "scripts/api-page.mjs", "--check"],
  "client size": ["node", "scripts/client-size.mjs"],
  "known weaknesses of production dependencies": ["node", "scripts/audit.mjs"],
};

/** What it printed, and whether all was well. */
function run([command, ...args]) {
  const [file, ...rest] = command === "node" ? [process.execPath, ...args] : [`node_modules/.bin/${command}`, ...args];
  const child = spawn(file, rest, { stdio: ["ignore", "pipe", "pipe"] });
  const printed = [];
  for (const output of [child.stdout, child.stderr]) output.on("data", (bytes) => printed.push(bytes));
  return new Promise((resolve) => {
    // A command that is not there has no output that could end.
    child.on("error", (error) => resolve({ text: String(error), isWell: false }));
    child.on("close", (code) => resolve({ text: Buffer.concat(printed).toString(), isWell: code === 0 }));
  });
}

// Two at a time, and told in the order of the table.
const waiting = Object.entries(checks);
const outcomes = new Map();
const failed = [];
async function work() {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const [name, command] = next;
    const { text, isWell } = await run(command);
    outcomes.set(name, text);
    if (!isWell) failed.push(name);
    console.error(`${isWell ? "done" : "failed"}: ${name}`);
  }
}
await Promise.all([work(), work()]);
for (const name of Object.keys(checks)) console.log(`\n- ${name}\n${outcomes.get(name)}`);
if (failed.length > 0) {
  console.error(`Failed: ${failed.join(", ")}`);
  process.exit(1);
}
console.log("All checks passed.");
