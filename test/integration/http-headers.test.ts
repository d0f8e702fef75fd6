import { createServer } from "@holdfast/server";
import { expect, test } from "vitest";
import { startRedis } from "../support/redis-server.ts";
import { uniquePrefix } from "../support/unique.ts";
import { adminToken, contract } from "./auth-rig.ts";

const page = `<!doctype html><style>p { margin: 0 }</style><p>page</p><script type="module">document.title = "x"</script>`;

async function startServer() {
  const redis = await startRedis();
  const server = await createServer(
    {
      contract,
      page,
      routes: () => ({
        fetch: async ({ url }: Request) =>
          new URL(url).pathname === "/own"
            ? new Response("own", { headers: { "cache-control": "max-age=60" } })
            : new Response(null, { status: 404 }),
      }),
    },
    { settings: { port: 0, redisUrl: redis.url, keyPrefix: uniquePrefix(), adminToken, drainSeconds: 0 } },
  );
  return {
    get: (path: string, init?: RequestInit) => fetch(`${server.url}${path}`, init),
    async [Symbol.asyncDispose]() {
      await server.close();
      await redis[Symbol.asyncDispose]();
    },
  };
}

test("the page says what it may load, stands in no frame, and allows its own scripts by their hashes alone", async () => {
  await using server = await startServer();
  const { headers } = await server.get("/");
  const policy = Object.fromEntries(
    (headers.get("content-security-policy") ?? "").split("; ").map((part) => [part.split(" ")[0], part]),
  );
  expect(policy["default-src"]).toBe("default-src 'self'");
  expect(policy["frame-ancestors"]).toBe("frame-ancestors 'none'");
  expect(policy["script-src"]).toMatch(/^script-src 'self' 'sha256-[\w+/]{43}='$/);
  expect(policy["style-src"]).toMatch(/^style-src 'self' 'sha256-[\w+/]{43}='$/);
  expect(headers.get("x-frame-options")).toBe("DENY");
  expect(headers.get("cache-control"), "a browser may keep it for the way back").toBe("no-cache");
  expect(headers.get("x-content-type-options")).toBe("nosniff");
});

test("answers are taken for what they say they are, and kept by nobody", async () => {
  await using server = await startServer();
  const authorization = `Bearer ${adminToken}`;
  const answers = [
    await server.get("/healthz"),
    await server.get("/metrics", { headers: { authorization } }),
    await server.get("/rooms/lobby/messages", { headers: { authorization } }),
    await server.get("/rooms/lobby/messages"),
    await server.get("/nowhere"),
  ];
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 401, 404]);
  for (const { headers } of answers) {
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("cache-control")).toBe("no-store");
  }
});

test("the headers of the application's own routes are its own", async () => {
  await using server = await startServer();
  const { headers } = await server.get("/own");
  expect(headers.get("cache-control")).toBe("max-age=60");
  expect(headers.get("x-content-type-options")).toBeNull();
});

test("no answer has a CORS header, which a gateway in front adds itself, whatever a page asks", async () => {
  await using server = await startServer();
  const origin = "https://app.example";
  const preflight = { origin, "access-control-request-method": "POST", "access-control-request-headers": "x" };
  const answers = await Promise.all([
    server.get("/healthz", { headers: { origin } }),
    server.get("/", { headers: { origin } }),
    server.get("/rooms/lobby/messages", { method: "OPTIONS", headers: preflight }),
    server.get("/rooms/lobby/messages", { headers: { origin, authorization: `Bearer ${adminToken}` } }),
    server.get("/socket.io/?EIO=4&transport=polling", { headers: { origin } }),
    server.get("/socket.io/?EIO=4&transport=polling", { method: "OPTIONS", headers: preflight }),
  ]);
  const names = answers.flatMap(({ headers }) =>
    [...headers.keys()].filter((name) => name.startsWith("access-control")),
  );
  expect(names).toEqual([]);
});
