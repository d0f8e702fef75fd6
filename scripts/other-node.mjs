// The fast tests, and those of the built server's start, end and service, under another version of Node.js: the one that a
// platform runs. `npm run test:node -- 22`. The npm package `node` brings its binary; nothing of it stays in the project.
import { spawnSync } from "node:child_process";
import { fail } from "./project.mjs";

const [version = ""] = process.argv.slice(2);
if (!/^\d+(\.\d+){0,2}$/.test(version)) fail(`Name a version of Node.js, such as 22: got "${version}".`);

const tests = [
  "test/unit",
  "test/process/startup.test.ts",
  "test/process/shutdown.test.ts",
  "test/integration/client-room.test.ts",
  "test/integration/echo.test.ts",
];
const withVersion = ["--yes", `--package=node@${version}`, "--", "node"];
// Says itself which version it is, so that nobody has to believe it.
const found = spawnSync("npx", [...withVersion, "--version"], { encoding: "utf8" });
const actual = found.stdout?.trim().split("\n").at(-1) ?? "";
if (!actual.startsWith(`v${version}.`) && actual !== `v${version}`) {
  fail(`npm did not bring Node.js ${version}, but "${actual}": ${found.stderr}`);
}
console.log(`under Node.js ${actual}`);
const { status } = spawnSync("npx", [...withVersion, "node_modules/vitest/vitest.mjs", "run", ...tests], {
  stdio: "inherit",
  // The build does not depend on the version that runs it.
  env: { ...process.env, KEEP_BUILD: "yes" },
});
process.exit(status ?? 1);
