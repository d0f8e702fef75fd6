// What every script does first: go to the project's folder, and say what is missing with the next step.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const projectFolder = fileURLToPath(new URL("..", import.meta.url));
process.chdir(projectFolder);

/** The compiler in machine code. Tools that read TypeScript themselves need `typescript`, the one that it comes from. */
export const tsc = "node_modules/typescript-native/bin/tsc";

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`Holdfast needs Node.js 20.19 or later, this is ${process.versions.node}: install a newer one from nodejs.org.`);
}
if (!existsSync("node_modules/socket.io")) fail("The dependencies are not installed: run `npm ci` first.");

/** Ends the script with a sentence instead of a stack. */
export function fail(message) {
  console.error(message);
  process.exit(1);
}
