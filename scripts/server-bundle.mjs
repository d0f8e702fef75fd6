// What of other packages stays out of the built application, because nothing calls it. Reading the rest takes a third of
// the time to start.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const client = "node_modules/@redis/client/dist/lib";
/** Whoever may call a command by its name: what is bundled, but for the commands themselves. */
const callers = [
  "app",
  "server/src",
  "node_modules/@socket.io/redis-adapter/dist",
  "node_modules/socket.io-adapter/dist",
  client,
];

/**
 * Every word behind a dot or an opening quote: far more than what is called. A name that is put together while the server
 * runs, or taken out of a client by destructuring, would be missed.
 */
function calledNames() {
  const names = new Set();
  for (const folder of callers) {
    for (const file of readdirSync(folder, { recursive: true })) {
      if (!/\.(ts|js)$/.test(file) || /\.d\.ts$|^commands\//.test(file)) continue;
      for (const [, name] of readFileSync(join(folder, file), "utf8").matchAll(/[.?"'](\w+)\b/g)) names.add(name);
    }
  }
  return names;
}

/** Leaves out the types of files, which only Engine.IO's long-polling would look at: a WebSocket has none. */
export const noTypesOfFiles = {
  name: "no-types-of-files",
  setup(build) {
    build.onLoad({ filter: /node_modules\/mime-db\/db\.json$/ }, () => ({ contents: "{}", loader: "json" }));
  },
};

/** Leaves out HTTP/2, which Hono's adapter can serve and this server does not: loading it takes 4 % of the time to start. */
export const noHttp2 = {
  name: "no-http2",
  setup(build) {
    build.onResolve({ filter: /^node:http2$/ }, ({ importer }) =>
      importer.includes("@hono/node-server") ? { path: "http2", namespace: "left-out" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "left-out" }, () => ({
      contents: "export class Http2ServerRequest {} export const constants = {};",
    }));
  },
};

/**
 * Leaves out the commands of node-redis that nothing calls. Each of its clients is given a method for each of its 500
 * commands, twice; loading them takes a fifth of the time to start.
 */
export const redisCommandsThatAreCalled = {
  name: "redis-commands-that-are-called",
  setup(build) {
    build.onLoad({ filter: /@redis\/client\/dist\/lib\/commands\/index\.js$/ }, ({ path }) => {
      const called = calledNames();
      const dropped = (name) => !called.has(name);
      const text = readFileSync(path, "utf8")
        // The table: `xAdd: XADD_1.default,`
        .replace(/^ {4}(\w+): \w+_1\.default,$/gm, (entry, name) => (dropped(name) ? "" : entry));
      // What the table no longer names is not loaded.
      const contents = text.replace(
        /^const (\w+_1) = __import(?:Default|Star)\(require\("\.\/\w+"\)\);$/gm,
        (line, variable) => (text.split(variable).length === 2 ? "" : line),
      );
      return { contents, loader: "js" };
    });
  },
};
