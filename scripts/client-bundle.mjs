import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const wire = fileURLToPath(new URL("../client/src/wire", import.meta.url));

/**
 * Takes what a Holdfast server never speaks out of the socket.io-client of a browser's bundle, a third of it: HTTP
 * long-polling, WebTransport, and binary data, for which the packets of client/src/wire stand in for Socket.IO's parsers.
 */
export const textOverWebSocket = {
  name: "text-over-websocket",
  setup(build) {
    build.onResolve({ filter: /^(socket|engine)\.io-parser$/ }, ({ path }) => ({
      path: `${wire}/${path.replace(".io-parser", "-io.ts")}`,
    }));
    build.onLoad({ filter: /engine\.io-client\/build\/esm\/transports\/index\.js$/ }, ({ path }) => ({
      contents: 'import { WS } from "./websocket.js"; export const transports = { websocket: WS };',
      resolveDir: dirname(path),
    }));
    build.onResolve({ filter: /\/(polling-(xhr|fetch)(\.node)?|webtransport)\.js$/ }, ({ importer }) =>
      importer.includes("engine.io-client") ? { path: "transport", namespace: "left-out" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({
      contents: "export const [XHR, Fetch, WT] = [];",
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
