// Builds the libraries' types alone, over those of the last build.
import { spawnSync } from "node:child_process";
import { tsc } from "./project.mjs";

const results = ["client", "server"].map((project) =>
  spawnSync(process.execPath, [tsc, "-p", `${project}/tsconfig.build.json`], { stdio: "inherit" }),
);
if (results.some(({ status }) => status !== 0)) process.exit(1);
