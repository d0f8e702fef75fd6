// The subject of the emulator's own tests: a small server that shows what reaches it and misbehaves on request.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const settings = process.env;
const port = Number(settings.FC_SERVER_PORT ?? settings.FC_CUSTOM_LISTEN_PORT ?? settings.PORT);
const host = settings.FIXTURE_HOST ?? "0.0.0.0";
const keepAliveMs = Number(settings.FIXTURE_KEEP_ALIVE_MS ?? 15 * 60_000);
const hooks = { initialize: [], preStop: [] };
const tickTimes = [Date.now()];
const counted = [];
let healthy = true;
let floodedBytes = 0;
let upgrades = 0;
let connections = 0;

setInterval(() => tickTimes.push(Date.now()), 20).unref();

const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const routes = {
  "/echo": async ({ request, url, body }) => ({
    method: request.method,
    url: `${url.pathname}${url.search}`,
    headers: request.headers,
    rawHeaders: request.rawHeaders,
    bodyBytes: body.length,
    instanceId: settings.FC_INSTANCE_ID ?? String(process.pid),
  }),
  "/environment": async () => ({ ...settings }),
  "/state": async () => ({ hooks, floodedBytes, upgrades, connections }),
  "/longest-pause": async () => {
    tickTimes.push(Date.now());
    const pauses = tickTimes.slice(1).map((time, index) => time - tickTimes[index]);
    return { longestPauseMs: Math.max(0, ...pauses) };
  },
  "/delay": async ({ url }) => {
    await later(Number(url.searchParams.get("ms")));
    return { waited: true };
  },
  "/redirect": async ({ response }) => {
    response.writeHead(302, { location: "/echo" }).end();
  },
  "/forbidden-headers": async ({ response }) => {
    response.writeHead(200, {
      "content-length": "2",
      date: "Thu, 01 Jan 1970 00:00:00 GMT",
      server: "fixture",
      "keep-alive": "timeout=1",
      "content-disposition": "attachment; filename=a.txt",
      "x-fc-status": "500",
      "x-own": "kept",
    });
    response.end("ok");
  },
  "/inline": async ({ response }) => {
    response.writeHead(200, { "content-disposition": "inline" }).end();
  },
  "/own-cors": async ({ response }) => {
    response.writeHead(200, { "access-control-allow-origin": "https://own.example" }).end();
  },
  "/large-headers": async ({ response }) => {
    response.writeHead(200, { "x-large": "x".repeat(9000) }).end();
  },
  "/health": async ({ response }) => {
    response.writeHead(healthy ? 200 : 503).end();
  },
  "/sicken": async ({ url }) => {
    healthy = false;
    const milliseconds = url.searchParams.get("for");
    if (milliseconds) setTimeout(() => (healthy = true), Number(milliseconds));
    return {};
  },
  "/stall": async ({ response }) => {
    response.write("started");
  },
  "/poison": async ({ request }) => {
    poisoned.add(request.socket);
    return {};
  },
  "/count": async ({ request }) => {
    counted.push(request.headers["x-fc-invocation-type"] ?? null);
    return {};
  },
  "/counted": async () => counted,
  "/fail": async ({ request, response }) => {
    counted.push(request.headers["x-fc-invocation-type"] ?? null);
    response.writeHead(500).end();
  },
  "/exit": async () => process.exit(7),
  "/initialize": async ({ request, response }) => {
    hooks.initialize.push({ method: request.method, controlPath: request.headers["x-fc-control-path"] });
    await later(Number(settings.FIXTURE_INITIALIZE_MS ?? 0));
    response.writeHead(Number(settings.FIXTURE_INITIALIZE_STATUS ?? 200)).end();
  },
  "/pre-stop": async ({ request, response }) => {
    hooks.preStop.push({ method: request.method, controlPath: request.headers["x-fc-control-path"] });
    console.log(`pre-stop ${request.method} ${request.headers["x-fc-control-path"]}`);
    await later(Number(settings.FIXTURE_PRE_STOP_MS ?? 0));
    response.writeHead(200).end();
  },
};

const poisoned = new WeakSet();

const server = createServer(async (request, response) => {
  if (poisoned.has(request.socket)) {
    request.socket.destroy();
    return;
  }
  const url = new URL(request.url, "http://fixture");
  const chunks = [];
  try {
    for await (const chunk of request) chunks.push(chunk);
  } catch {
    // The client broke off its upload: there is nobody to answer.
    return;
  }
  const route = routes[url.pathname];
  if (!route) {
    response.writeHead(404).end();
    return;
  }
  const answer = await route({ request, response, url, body: Buffer.concat(chunks) });
  if (answer !== undefined) response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
});
server.keepAliveTimeout = keepAliveMs;
server.on("connection", () => {
  connections += 1;
});

const sockets = new WebSocketServer({ noServer: true });
server.on("upgrade", (request, socket, head) => {
  upgrades += 1;
  const url = new URL(request.url, "http://fixture");
  if (url.pathname === "/refused") {
    socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nX-Own: kept\r\n\r\nno");
    return;
  }
  sockets.handleUpgrade(request, socket, head, (client) => {
    if (url.pathname === "/flood") flood(client).catch((error) => console.error(error));
    client.send(
      JSON.stringify({
        instanceId: settings.FC_INSTANCE_ID ?? String(process.pid),
        url: request.url,
        headers: request.headers,
      }),
    );
    client.on("message", (data, binary) => {
      if (String(data) === "connections") server.getConnections((_error, count) => client.send(String(count)));
      else if (String(data) === "terminate") client.terminate();
      else if (String(data) === "close") client.close(4000, "asked to");
      else client.send(data, { binary });
    });
  });
});

async function flood(client) {
  const chunk = Buffer.alloc(256 * 1024);
  while (client.readyState === client.OPEN) {
    await new Promise((resolve) => client.send(chunk, resolve));
    floodedBytes += chunk.length;
  }
}

for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    console.log(`${signal} arrived`);
    if (settings.FIXTURE_ENDS_AFTER_MS) setTimeout(() => process.exit(0), Number(settings.FIXTURE_ENDS_AFTER_MS));
  });
}

if (settings.FIXTURE_EXIT_AT_START) {
  console.log("the fixture gives up");
  process.exit(3);
}
server.listen(port, host, () => console.log(`fixture listens on ${host}:${port}`));
