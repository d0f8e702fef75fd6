import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Finding } from "../../client/src/cli/doctor/finding.ts";
import { createToken } from "../../server/src/auth/create-token.ts";
import { startBadProxy } from "../support/bad-proxy.ts";
import { type Rig, startRig } from "../support/client-rig.ts";
import { commandLine, holdfast } from "../support/command-line.ts";
import { FakeClock, fakeClockInstalled } from "../support/fake-clock.ts";
import { freePort } from "../support/free-port.ts";
import { nginxInstalled } from "../support/installed.ts";
import { startNginx } from "../support/nginx.ts";
import { certificate, key } from "../support/self-signed.ts";
import { type ServerProcess, startServer } from "../support/server-process.ts";
import { uniquePrefix, uniqueRoom } from "../support/unique.ts";
import { waitFor } from "../support/wait.ts";

// Each finding of `holdfast doctor` in front of a real thing that shows it.

const secret = "a secret of the doctor's own tests";
const page = "https://app.example";
let rig: Rig;
let url: string;
let token: string;
beforeAll(async () => {
  rig = await startRig({ env: { AUTH: "token", TOKEN_SECRET: secret, ALLOWED_ORIGINS: page } });
  url = rig.servers[0]?.url ?? "";
  token = await createToken({ secret, user: "ann", rooms: { "*": "read write" } });
});
afterEach(() => rig.closeClients());
afterAll(() => rig[Symbol.asyncDispose]());

interface Examined {
  readonly code: number;
  readonly states: Readonly<Record<string, string>>;
  readonly failed: readonly string[];
  /** A finding as one text, the next step included. */
  of(check: string): string;
}

async function examine(...argv: string[]): Promise<Examined> {
  const { code, line } = await holdfast(["doctor", ...argv, "--json"]);
  const [{ findings } = { findings: [] }] = line.json<{ findings: readonly Finding[] }>();
  return {
    code,
    states: Object.fromEntries(findings.map(({ check, state }) => [check, state])),
    failed: findings.filter(({ state }) => state === "fail").map(({ check }) => check),
    of(check) {
      const finding = findings.find((each) => each.check === check);
      return [finding?.state, finding?.found, finding?.next].filter((text) => text !== undefined).join("; ");
    },
  };
}

const port = () => rig.servers[0]?.port ?? 0;

async function serve(listener: RequestListener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
    },
  };
}

test("where all is well, every check says so, and the code is 0", async () => {
  const room = uniqueRoom();
  const argv = ["doctor", url, "--token", token, "--origin", page, "--room", room, "--watch", "1"];
  const { code, line, notes } = await holdfast(argv);
  expect(notes).toBe("Nothing is wrong.");
  expect(code).toBe(0);
  const checks = line.printed.filter((text) => !text.startsWith(" "));
  expect(checks.filter((text) => !text.startsWith("ok ")).map((text) => text.split(/ +/).slice(0, 2))).toEqual([
    ["skipped", "tls"],
  ]);
  const reader = rig.connectDirectly(rig.servers[0] as ServerProcess, { token });
  const handle = reader.join(room);
  await handle.ready;
  const { messages } = await handle.history();
  expect(messages, "the look at rights stores nothing").toEqual([]);
});

describe("the address", () => {
  test("without a scheme is told with the one that may be meant", async () => {
    const found = await examine("localhost:9000");
    expect(found.of("address")).toContain("Did you mean http://localhost:9000?");
    expect(found.states).toMatchObject({ port: "skipped", websocket: "skipped", watch: "skipped" });
    expect(found.code).toBe(1);
  });

  test("with a path is told as what a client needs, and the server is looked for below it", async () => {
    const found = await examine(`${url}/rooms`);
    expect(found.of("address")).toContain(`connect("${url}", { socket: { path: "/rooms/socket.io/" } })`);
    expect(found.of("websocket")).toMatch(/^fail; no Socket\.IO server answers at \/rooms\/socket\.io\/.*404/);
  });

  test("with a name that has no address is told by the name", async () => {
    const found = await examine("https://rooms.invalid");
    expect(found.failed).toEqual(["name"]);
    expect(found.of("name")).toContain("rooms.invalid");
    expect(found.code).toBe(3);
  });

  test("at which nothing listens is told by the port", async () => {
    const closed = await freePort();
    const found = await examine(`http://127.0.0.1:${closed}`);
    expect(found.failed).toEqual(["port"]);
    expect(found.of("port")).toContain(`nothing listens at 127.0.0.1:${closed}; Start the server`);
    expect(found.code).toBe(3);
  });

  test("with the scheme of TLS at a port without is told, and the other way round", async () => {
    const wrong = await examine(url.replace("http:", "https:"));
    expect(wrong.of("tls")).toContain(`Use http://${new URL(url).host}`);
    const server = createTlsServer({ key, cert: certificate }, (_, response) => response.end()).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port: tlsPort } = server.address() as AddressInfo;
    const other = await examine(`http://127.0.0.1:${tlsPort}`);
    expect(other.of("tls")).toContain(`Use https://127.0.0.1:${tlsPort}`);
    const untrusted = await examine(`https://127.0.0.1:${tlsPort}`);
    expect(untrusted.of("tls")).toMatch(/^fail; the certificate is not valid/);
    server.closeAllConnections();
    server.close();
  });
});

describe("what answers", () => {
  test("is told to be silent where nothing comes", async () => {
    rig.relay.blackhole();
    const found = await examine(`http://127.0.0.1:${rig.relay.port}`, "--wait", "0.5");
    rig.relay.heal();
    expect(found.of("http")).toMatch(/^fail; the port accepts connections and does not answer HTTP \(TIMED_OUT\)/);
    expect(found.states.websocket).toBe("skipped");
  });

  test("is told to be no Holdfast server where it is another web server", async () => {
    await using other = await serve((_, response) => response.writeHead(404).end("not here"));
    const found = await examine(other.url);
    expect(found.of("http")).toMatch(/^warn; something answers 404 at \/healthz/);
    expect(found.failed).toEqual(["websocket"]);
  });

  test("is told to be no Holdfast server where it is another Socket.IO server", async () => {
    await using other = await serve((_, response) => response.writeHead(404).end());
    const io = new Server(other.server);
    const found = await examine(other.url, "--wait", "1");
    expect(found.of("polling")).toContain("warn; a Socket.IO server answers long-polling");
    expect(found.of("admission")).toContain("fail; a Socket.IO server answers, and no Holdfast server");
    await io.close();
  });

  test("is told to speak another protocol where it refuses this one", async () => {
    await using other = await serve((_, response) => response.writeHead(404).end());
    const io = new Server(other.server, { transports: ["websocket"] });
    const data = { code: "UNSUPPORTED_PROTOCOL", message: "expected protocol 2, got 1", retryable: false };
    io.use((_, next) => next(Object.assign(new Error("refused"), { data })));
    const found = await examine(other.url);
    expect(found.of("admission")).toMatch(/^fail; UNSUPPORTED_PROTOCOL: expected protocol 2, got 1; Install/);
    await io.close();
  });

  test("is told to drain while its clients move away", async () => {
    await using server = await startServer({ env: { REDIS_URL: rig.redis.url, KEY_PREFIX: uniquePrefix() } });
    const client = rig.connectDirectly(server);
    await client.join(uniqueRoom()).ready;
    server.signal("SIGTERM");
    await waitFor(async () => (await server.healthStatus()) === 503, "the drain");
    const found = await examine(server.url);
    expect(found.of("http")).toMatch(/^warn; the instance drains/);
  });
});

describe.runIf(nginxInstalled)("behind nginx", () => {
  test("a proxy that takes the upgrade away is told with the lines that it lacks", async () => {
    await using nginx = await startNginx(`location / { proxy_pass ${url}; }`);
    const found = await examine(nginx.url, "--token", token);
    expect(found.of("http")).toBe("ok; a Holdfast server answers");
    expect(found.of("websocket")).toMatch(
      /^fail; a proxy \(nginx.*takes away.*proxy_set_header Upgrade \$http_upgrade/,
    );
    expect(found.states.admission).toBe("skipped");
    expect(found.code).toBe(1);
  });

  test("a proxy that passes the upgrade on is well", async () => {
    const upgrade =
      'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";';
    await using nginx = await startNginx(`location / { proxy_pass ${url}; ${upgrade} }`);
    expect((await examine(nginx.url, "--token", token)).failed).toEqual([]);
  });

  test("a proxy without a server behind it, and one that redirects, are told", async () => {
    const closed = await freePort();
    await using nothing = await startNginx(`location / { proxy_pass http://127.0.0.1:${closed}; }`);
    expect((await examine(nothing.url)).of("http")).toMatch(/^fail; a proxy or gateway \(nginx.*answers 502/);
    await using moved = await startNginx("location / { return 301 https://rooms.example$request_uri; }");
    expect((await examine(moved.url)).of("http")).toContain("fail; requests are redirected to https://rooms.example/");
  });
});

describe("an origin", () => {
  test("that is not allowed is told with the setting", async () => {
    const found = await examine(url, "--token", token, "--origin", "https://evil.example");
    expect(found.failed).toEqual(["origin"]);
    expect(found.of("origin")).toContain("Add https://evil.example to the server's ALLOWED_ORIGINS");
  });

  test("that no browser sends is told as it has to be written", async () => {
    const found = await examine(url, "--token", token, "--origin", `${page}/chat`);
    expect(found.of("origin")).toContain(`without a path: ${page}.`);
  });
});

describe("a token", () => {
  test("that is missing, malformed, expired, signed by another or not valid yet is told, each in its own words", async () => {
    const missing = await examine(url);
    expect(missing.of("admission")).toMatch(/^fail; UNAUTHENTICATED: .*give one with --token/);
    const malformed = await examine(url, "--token", "Bearer nonsense");
    expect(malformed.of("token")).toMatch(/^fail; it is no JWT.*Leave `Bearer` out/);
    const expired = await examine(url, "--token", await createToken({ secret, user: "ann", expiresInSeconds: -600 }));
    expect(expired.of("token")).toMatch(/^fail; it expired 10 min ago/);
    expect(expired.of("admission")).toContain("fail; TOKEN_EXPIRED");
    const foreign = await createToken({ secret: `another ${secret}`, user: "ann" });
    const signed = await examine(url, "--token", foreign);
    expect(signed.of("token")).toMatch(/^ok; for ann/);
    expect(signed.of("admission")).toMatch(/^fail; UNAUTHENTICATED: .*TOKEN_SECRET/);
    const nbf = Math.floor(Date.now() / 1000) + 3000;
    const early = await examine(url, "--token", await createToken({ secret, user: "ann", claims: { nbf } }));
    expect(early.of("token")).toMatch(/^fail; it is not valid yet: in \d+ min/);
    expect(early.failed).toEqual(["token", "admission"]);
  });

  test("without a right in the room is told which one is missing", async () => {
    const reader = await createToken({ secret, user: "ann", rooms: { "news:*": "read" } });
    const found = await examine(url, "--token", reader, "--room", "news:a");
    expect(found.of("rights")).toContain("warn; the client may read and not write in news:a");
    const neither = await examine(url, "--token", reader, "--room", "lobby");
    expect(neither.of("rights")).toMatch(
      /^fail; the client may neither read nor write in lobby; .*"lobby":"read write"/,
    );
  });
});

test("that the server does not reach its Redis is told", async () => {
  rig.redis.freeze();
  try {
    await waitFor(async () => (await rig.servers[0]?.readyStatus()) === 503, "the server to notice");
    const found = await examine(url, "--token", token, "--wait", "3");
    expect(found.of("redis")).toMatch(/^fail; the server does not reach its Redis; .*REDIS_URL/);
    expect(found.of("http")).toBe("ok; a Holdfast server answers");
    expect(found.failed).toContain("admission");
  } finally {
    rig.redis.thaw();
    await rig.servers[0]?.ready();
  }
});

test.runIf(fakeClockInstalled)("a server whose clock is wrong is told with how far", async () => {
  await using clock = await FakeClock.create();
  await clock.set(-90_000);
  const env = { REDIS_URL: rig.redis.url, KEY_PREFIX: uniquePrefix(), ...clock.env };
  await using server = await startServer({ env });
  expect((await examine(server.url)).of("clock")).toMatch(
    /^fail; the server's clock is (89|90) s behind this machine's/,
  );
  await clock.set(10_000);
  // Node.js writes the same `Date` for up to a second.
  const ahead = /^warn; the server's clock is (9|10) s ahead of/;
  await waitFor(async () => ahead.test((await examine(server.url)).of("clock")), "the other time");
});

describe("on the way", () => {
  test("what holds back packets is told", async () => {
    await using slow = await startBadProxy(port(), { holdMs: 300 });
    const found = await examine(slow.url, "--token", token);
    expect(found.of("delivery")).toMatch(/^warn; an echo takes \d+ ms.*held back.*buffering/);
    await using mute = await startBadProxy(port(), { isMute: true });
    const silent = await examine(mute.url, "--token", token, "--wait", "1");
    expect(silent.of("websocket")).toMatch(/^fail; a WebSocket opens, and no packet/);
  });

  test("what cuts connections without traffic is told by its silence", async () => {
    await using impatient = await startBadProxy(port(), { idleMs: 2_000 });
    const found = await examine(impatient.url, "--token", token, "--watch", "6");
    expect(found.failed).toEqual(["watch"]);
    expect(found.of("watch")).toMatch(/^fail; a connection without traffic is cut after (2\.\d|1\.9) s of silence/);
  });

  test("what cuts every connection at an age is told with the setting that makes it planned", async () => {
    await using short = await startBadProxy(port(), { lifeMs: 3_000 });
    const found = await examine(short.url, "--token", token, "--watch", "8");
    expect(found.of("watch")).toMatch(/^fail; every connection is cut after [23]\.\d s.*FUNCTION_TIMEOUT_SECONDS=[23]/);
  });

  test("a life that the server knows is announced, and is no finding", async () => {
    const env = { REDIS_URL: rig.redis.url, KEY_PREFIX: uniquePrefix(), FUNCTION_TIMEOUT_SECONDS: "8" };
    await using server = await startServer({ env });
    const found = await examine(server.url, "--watch", "20");
    expect(found.of("watch")).toMatch(/^ok; the server announced after .*\(timeout\)/);
  }, 40_000);

  test("Ctrl-C ends the watch with what was seen so far", async () => {
    const line = commandLine();
    const ended = line.run("doctor", url, "--token", token, "--watch", "600");
    await waitFor(() => line.printed.some((text) => /^ok +delivery/.test(text)), "all before the watch");
    line.interrupt();
    expect(await ended).toBe(0);
  });
});
