import { dirname } from "node:path";

/**
 * Takes HTTP long-polling and WebTransport out of the socket.io-client of a browser's bundle: a Holdfast server accepts
 * nothing but WebSockets, and the two are a sixth of socket.io-client.
 */
export const webSocketOnly = {
  name: "websocket-only",
  setup(build) {
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
