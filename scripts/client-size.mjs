// Measures what a browser downloads for the client as it is shipped to browsers (dist/browser.js), minified and gzipped.
// What is loaded only when it is used (`import()`) is counted with it, too. React's hooks are measured by what they add.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { loadedWhenUsed, textOverWebSocket } from "./client-bundle.mjs";
import "./project.mjs";

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
const socketIoClient = 'export { Manager } from "socket.io-client"';
const whole = await kilobytes(client, [textOverWebSocket, loadedWhenUsed]);
const everything = await kilobytes(client, [textOverWebSocket]);
const socketIo = await kilobytes(socketIoClient);
const shippedSocketIo = await kilobytes(socketIoClient, [textOverWebSocket]);
const hooks =
  (await kilobytes(`${client}; export * from "./src/react/index.ts"`, [textOverWebSocket, loadedWhenUsed])) - whole;
const figures = [
  ["client with socket.io-client", whole, 12.2],
  ["with what is loaded only when it is used", everything, 15.2],
  ["React's hooks add", hooks, 1.5],
];
for (const [what, size, limit] of figures) console.log(`${what}: ${size.toFixed(2)} kB gzipped (limit ${limit} kB)`);
console.log(
  `of this socket.io-client ${shippedSocketIo.toFixed(2)} kB, which is ${socketIo.toFixed(2)} kB where it is taken as it stands`,
);
if (figures.some(([, size, limit]) => size > limit)) {
  console.error("The client is over its size limit: see what grew with esbuild's --analyze.");
  process.exit(1);
}
