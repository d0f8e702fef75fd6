// Measures what a browser downloads for the client, minified and gzipped: the whole of it, and what the client adds to
// socket.io-client, which many applications have anyway. What is loaded only when it is used (`import()`) is told apart.
import { relative } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import "./project.mjs";

const wholeLimitKilobytes = 17.5;
const addedLimitKilobytes = 4.4;

async function bundle(source) {
  const { outputFiles, metafile } = await build({
    stdin: { contents: source, resolveDir: "client" },
    bundle: true,
    splitting: true,
    outdir: "out",
    metafile: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["@holdfast/source"],
  });
  // The entry and all that it imports statically.
  const atOnce = new Set(["out/stdin.js"]);
  for (const path of atOnce) {
    for (const { path: imported, kind } of metafile.outputs[path].imports) {
      if (kind === "import-statement") atOnce.add(imported);
    }
  }
  const kilobytes = (isWanted) =>
    outputFiles
      .filter(({ path }) => isWanted(atOnce.has(relative(".", path))))
      .reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length / 1000, 0);
  return { now: kilobytes((isAtOnce) => isAtOnce), later: kilobytes((isAtOnce) => !isAtOnce) };
}

const { now: whole, later } = await bundle('export * from "./src/index.ts"');
const { now: socketIo } = await bundle('export { io } from "socket.io-client"');
const added = whole - socketIo;
console.log(`client with socket.io-client: ${whole.toFixed(2)} kB gzipped (limit ${wholeLimitKilobytes} kB)`);
console.log(
  `of this socket.io-client alone ${socketIo.toFixed(2)} kB, added ${added.toFixed(2)} kB (limit ${addedLimitKilobytes} kB)`,
);
console.log(`loaded only when it is used: ${later.toFixed(2)} kB`);
if (whole > wholeLimitKilobytes || added > addedLimitKilobytes) {
  console.error("The client is over its size limit: see what grew with esbuild's --analyze.");
  process.exit(1);
}
