// Builds what is not built and runs the server in this process, so that signals reach it directly.
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

const root = new URL("..", import.meta.url);
process.chdir(root.pathname);

const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `Holdfast needs Node.js 20.19 or later, this is ${process.versions.node}: install a newer one from nodejs.org.`,
  );
  process.exit(1);
}
if (!existsSync("node_modules/socket.io")) {
  console.error("The dependencies are not installed: run `npm ci` first.");
  process.exit(1);
}

execFileSync(process.execPath, ["scripts/build.mjs", "--if-missing"], { stdio: "inherit" });
await import(new URL("server/dist/main.mjs", root).href);
