// Builds the libraries' types alone, over those of the last build.
import { spawnSync } from "node:child_process";
import "./project.mjs";

const results = ["client", "server"].map((project) =>
  spawnSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", `${project}/tsconfig.build.json`], {
    stdio: "inherit",
  }),
);
if (results.some(({ status }) => status !== 0)) process.exit(1);
