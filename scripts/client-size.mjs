// Measures what a browser downloads for the client: minified and gzipped, with and without socket.io-client.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

process.chdir(new URL("..", import.meta.url).pathname);
const limitsInKilobytes = { "with socket.io-client": 16.5, "without socket.io-client": 3 };

async function kilobytes(external) {
  const { outputFiles } = await build({
    entryPoints: ["client/src/index.ts"],
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["@holdfast/source"],
    external,
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length / 1000;
}

let failed = false;
for (const [name, limit] of Object.entries(limitsInKilobytes)) {
  const size = await kilobytes(name.startsWith("without") ? ["socket.io-client"] : []);
  console.log(`client ${name}: ${size.toFixed(2)} kB gzipped (limit ${limit} kB)`);
  failed ||= size > limit;
}
if (failed) {
  console.error("The client is over its size limit: see what grew with esbuild's --analyze.");
  process.exit(1);
}
