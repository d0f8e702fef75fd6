import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const wire = fileURLToPath(new URL("../client/src/wire", import.meta.url));

/**
 * Takes what a Holdfast server never speaks out of the socket.io-client of a browser's bundle, half of it: HTTP
 * long-polling, WebTransport, the change from one to the other, and binary data. What is left of Engine.IO's client and of
 * both parsers is in client/src/wire; Socket.IO's sockets and its reconnection are its own.
 */
export const textOverWebSocket = {
  name: "text-over-websocket",
  setup(build) {
    const ours = { "engine.io-client": "engine-socket.ts", "socket.io-parser": "socket-packets.ts" };
    build.onResolve({ filter: /^(engine\.io-client|socket\.io-parser)$/ }, ({ path }) => ({
      path: `${wire}/${ours[path]}`,
    }));
    // The client makes its Managers itself. Without `io`, which finds one for an address, the parser of addresses stays out.
    build.onLoad({ filter: /socket\.io-client\/build\/esm\/index\.js$/ }, ({ path }) => ({
      contents: 'export { Manager } from "./manager.js";',
      resolveDir: dirname(path),
    }));
  },
};

/** Leaves what the client imports only when it is used, by `import()`, in files of its own, which stand beside it. */
export const loadedWhenUsed = {
  name: "loaded-when-used",
  setup(build) {
    build.onResolve({ filter: /^\.\/.*\.ts$/ }, ({ path, kind }) =>
      kind === "dynamic-import" ? { path: path.replace(/\.ts$/, ".js"), external: true } : undefined,
    );
  },
};
