// Measures what a browser downloads for the client, minified and gzipped: the whole of it, and what the client adds to
// socket.io-client, which many applications have anyway.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import "./project.mjs";

const wholeLimitKilobytes = 17.5;
const addedLimitKilobytes = 4.4;

async function kilobytes(source) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: "client" },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["@holdfast/source"],
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length / 1000;
}

const whole = await kilobytes('export * from "./src/index.ts"');
const socketIo = await kilobytes('export { io } from "socket.io-client"');
const added = whole - socketIo;
console.log(`client with socket.io-client: ${whole.toFixed(2)} kB gzipped (limit ${wholeLimitKilobytes} kB)`);
console.log(
  `of this socket.io-client alone ${socketIo.toFixed(2)} kB, added ${added.toFixed(2)} kB (limit ${addedLimitKilobytes} kB)`,
);
if (whole > wholeLimitKilobytes || added > addedLimitKilobytes) {
  console.error("The client is over its size limit: see what grew with esbuild's --analyze.");
  process.exit(1);
}
