// Measures what a browser downloads for the client as it is shipped to browsers (dist/browser.js), minified and gzipped:
// the whole of it, and how much more that is than socket.io-client alone. What is loaded only when it is used
// (`import()`) is counted separately. The hooks for React are measured by what they add.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { loadedWhenUsed, webSocketOnly } from "./client-bundle.mjs";
import "./project.mjs";

const wholeLimitKilobytes = 17.5;
const addedLimitKilobytes = 4.4;
const hooksLimitKilobytes = 1.5;

async function kilobytes(source, plugins = []) {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir: "client" },
    bundle: true,
    minify: true,
    write: false,
    format: "esm",
    target: "es2022",
    platform: "browser",
    conditions: ["@holdfast/source"],
    // The application's own.
    external: ["react"],
    plugins,
  });
  return gzipSync(outputFiles[0].contents, { level: 9 }).length / 1000;
}

const client = 'export * from "./src/index.ts"';
const socketIoClient = 'export { io } from "socket.io-client"';
const whole = await kilobytes(client, [webSocketOnly, loadedWhenUsed]);
const everything = await kilobytes(client, [webSocketOnly]);
const socketIo = await kilobytes(socketIoClient);
const shippedSocketIo = await kilobytes(socketIoClient, [webSocketOnly]);
const hooks =
  (await kilobytes(`${client}; export * from "./src/react/index.ts"`, [webSocketOnly, loadedWhenUsed])) - whole;
const added = whole - socketIo;
console.log(`client with socket.io-client: ${whole.toFixed(2)} kB gzipped (limit ${wholeLimitKilobytes} kB)`);
console.log(
  `of this socket.io-client alone ${socketIo.toFixed(2)} kB, added ${added.toFixed(2)} kB (limit ${addedLimitKilobytes} kB)`,
);
console.log(
  `of this the shipped part of socket.io-client ${shippedSocketIo.toFixed(2)} kB, the client's own code ${(whole - shippedSocketIo).toFixed(2)} kB`,
);
console.log(`with what is loaded only when it is used: ${everything.toFixed(2)} kB`);
console.log(`React's hooks add ${hooks.toFixed(2)} kB (limit ${hooksLimitKilobytes} kB)`);
if (whole > wholeLimitKilobytes || added > addedLimitKilobytes || hooks > hooksLimitKilobytes) {
  console.error("The client is over its size limit: see what grew with esbuild's --analyze.");
  process.exit(1);
}
