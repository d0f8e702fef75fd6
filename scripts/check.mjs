// Everything that can be found without running the project: format and lint, types, import direction and cycles,
// unused files and exports, the page of the API, the size of the client, and known weaknesses of what production installs. All are run, so that one run tells everything.
import { spawnSync } from "node:child_process";
import "./project.mjs";

const parts = ["app", "client", "server", "test"];
const checks = {
  "format and lint": ["biome", "check", "--error-on-warnings", "."],
  types: ["tsc", "-p", "."],
  "import direction and cycles": ["depcruise", "--config", ".dependency-cruiser.mjs", ...parts],
  "unused exports": ["knip"],
  "the page of the API": ["node", "scripts/api-page.mjs", "--check"],
  "client size": ["node", "scripts/client-size.mjs"],
  "known weaknesses of production dependencies": ["node", "scripts/audit.mjs"],
};

const failed = Object.entries(checks).filter(([name, [command, ...args]]) => {
  console.log(`\n- ${name}`);
  const [file, ...rest] = command === "node" ? [process.execPath, ...args] : [`node_modules/.bin/${command}`, ...args];
  return spawnSync(file, rest, { stdio: "inherit" }).status !== 0;
});
if (failed.length > 0) {
  console.error(`\nFailed: ${failed.map(([name]) => name).join(", ")}`);
  process.exit(1);
}
console.log("\nAll checks passed.");
