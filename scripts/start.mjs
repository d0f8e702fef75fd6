// Builds what is not built and runs the server in this process, so that signals reach it directly.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { fail, projectFolder } from "./project.mjs";

try {
  execFileSync(process.execPath, ["scripts/build.mjs", "--if-missing"], { stdio: "inherit" });
} catch {
  fail("The build failed: the reason is above.");
}
// On a developer's machine there is no other instance to move to, so Ctrl-C need not wait for anybody.
if (process.env.NODE_ENV !== "production") process.env.DRAIN_SECONDS ??= "0";
await import(pathToFileURL(join(projectFolder, "app/dist/main.mjs")).href);
