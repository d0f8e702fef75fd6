import { execFileSync } from "node:child_process";

/** Builds the server and the client before the first test, so that process tests run what is deployed. */
export default function setup(): void {
  execFileSync(process.execPath, ["scripts/build.mjs"], { stdio: "inherit" });
}
