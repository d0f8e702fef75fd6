import { execFileSync } from "node:child_process";

/**
 * Builds the server and the client before the first test, so that process tests run what is deployed. A run that is
 * itself part of a test (`KEEP_BUILD`) must not touch the build that other tests run at the same time, and what was built
 * for one part of the tests serves the next one.
 */
export default function setup(): void {
  const args = process.env.KEEP_BUILD === undefined ? [] : ["--if-missing"];
  execFileSync(process.execPath, ["scripts/build.mjs", ...args], { stdio: "inherit" });
  process.env.KEEP_BUILD = "yes";
}
