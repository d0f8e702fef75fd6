import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { dummyCredentials } from "./identity.ts";
import { gatewayLimits } from "./limits.ts";
import { askJson, type Echo, openSocket, refusedWith, startFixture, statusAndCode } from "./support.ts";

test("method, path, query, headers and body reach the instance", async () => {
  await using fc = await startFixture();
  const init = { method: "POST", body: "x".repeat(100_000), headers: { "x-own": "1", cookie: "a=b" } };
  const echo = await askJson<Echo>(`${fc.url}/echo?a=1&b=%20`, init);
  expect(echo).toMatchObject({ method: "POST", url: "/echo?a=1&b=%20", bodyBytes: 100_000 });
  expect(echo.headers).toMatchObject({ "x-own": "1", cookie: "a=b", host: new URL(fc.url).host });
});

test("every request carries the platform's headers", async () => {
  await using fc = await startFixture({
    functionName: "rooms",
    region: "cn-beijing",
    timeoutSeconds: 30,
    memoryMb: 256,
  });
  const { headers } = await askJson<Echo>(`${fc.url}/echo`);
  expect(headers).toMatchObject({
    "x-fc-request-id": expect.stringMatching(/^[0-9a-f-]{36}$/),
    "x-fc-control-path": "/http-invoke",
    "x-fc-function-name": "rooms",
    "x-fc-function-timeout": "30",
    "x-fc-function-memory": "256",
    "x-fc-region": "cn-beijing",
    "x-fc-account-id": expect.stringMatching(/^\d+$/),
    "x-fc-qualifier": "LATEST",
    ...dummyCredentials,
  });
});

test("a WebSocket handshake carries the same headers", async () => {
  await using fc = await startFixture({ timeoutSeconds: 30 });
  using socket = await openSocket(fc);
  expect(socket.greeting.headers).toMatchObject({
    "x-fc-control-path": "/http-invoke",
    "x-fc-function-timeout": "30",
    ...dummyCredentials,
  });
});

test("the timeout header can be left out of handshakes, or of everything", async () => {
  for (const [timeoutHeader, plain] of [
    ["plain-requests", "30"],
    ["never", undefined],
  ] as const) {
    await using fc = await startFixture({ timeoutSeconds: 30, timeoutHeader, instanceConcurrency: 2 });
    using socket = await openSocket(fc);
    expect(socket.greeting.headers["x-fc-function-timeout"]).toBeUndefined();
    expect((await askJson<Echo>(`${fc.url}/echo`)).headers["x-fc-function-timeout"]).toBe(plain);
  }
});

test("x-fc headers of a client do not get through, on a request or a handshake", async () => {
  await using fc = await startFixture({ instanceConcurrency: 2 });
  const forged = { "x-fc-control-path": "/initialize", "X-FC-Own": "1", "x-fc-function-timeout": "1" };
  const { headers, rawHeaders } = await askJson<Echo>(`${fc.url}/echo`, { headers: forged });
  using socket = await openSocket(fc, "/", forged);
  for (const seen of [headers, socket.greeting.headers]) {
    expect(seen["x-fc-control-path"]).toBe("/http-invoke");
    expect(seen["x-fc-own"]).toBeUndefined();
  }
  expect(rawHeaders.filter((name) => name.toLowerCase() === "x-fc-function-timeout")).toHaveLength(1);
});

test("no client address is told", async () => {
  await using fc = await startFixture();
  const names = Object.keys((await askJson<Echo>(`${fc.url}/echo`)).headers);
  expect(names.filter((name) => /forwarded|real-ip|client-ip/.test(name))).toEqual([]);
});

test("headers that a function may not set are taken off its answers, and its others stay", async () => {
  await using fc = await startFixture();
  const { headers } = await fetch(`${fc.url}/forbidden-headers`);
  expect(headers.get("x-own")).toBe("kept");
  for (const name of ["content-length", "server", "content-disposition", "x-fc-status"]) {
    expect(headers.get(name), name).toBeNull();
  }
  expect(headers.get("date")).not.toContain("1970");
  expect(headers.get("keep-alive")).not.toBe("timeout=1");
  expect(headers.get("x-fc-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  expect((await fetch(`${fc.url}/inline`)).headers.get("content-disposition")).toBe("inline");
});

test("on a custom domain redirects and inline pages pass", async () => {
  await using fc = await startFixture({ domain: "custom" });
  const redirect = await fetch(`${fc.url}/redirect`, { redirect: "manual" });
  expect(redirect.status).toBe(302);
  expect(redirect.headers.get("location")).toBe("/echo");
  expect((await fetch(`${fc.url}/echo`)).headers.get("content-disposition")).toBeNull();
});

test("on the default domain every answer is an attachment and redirects are refused, but WebSockets work", async () => {
  await using fc = await startFixture({ domain: "default", instanceConcurrency: 2 });
  expect((await fetch(`${fc.url}/echo`)).headers.get("content-disposition")).toBe("attachment");
  const redirect = await fetch(`${fc.url}/redirect`, { redirect: "manual" });
  expect(await statusAndCode(redirect)).toEqual([400, "ExternalRedirectForbidden"]);
  using socket = await openSocket(fc);
  expect(await socket.echo("works")).toBe("works");
});

test("any origin is reflected with credentials, unless the function sets its own CORS headers", async () => {
  await using fc = await startFixture();
  const headers = { origin: "https://evil.example" };
  const reflected = await fetch(`${fc.url}/echo`, { headers });
  expect(reflected.headers.get("access-control-allow-origin")).toBe("https://evil.example");
  expect(reflected.headers.get("access-control-allow-credentials")).toBe("true");
  const own = await fetch(`${fc.url}/own-cors`, { headers });
  expect(own.headers.get("access-control-allow-origin")).toBe("https://own.example");
  expect(own.headers.get("access-control-allow-credentials")).toBeNull();
});

test("more than 8 KB of request headers is answered with 400, on a request or a handshake", async () => {
  await using fc = await startFixture();
  const headers = { "x-large": "x".repeat(gatewayLimits.requestHeaderBytes) };
  expect(await statusAndCode(await fetch(`${fc.url}/echo`, { headers }))).toEqual([400, "InvalidArgument"]);
  expect(await refusedWith(openSocket(fc, "/", headers))).toBe(400);
  // Beyond what the gateway's own parser reads, too.
  const socket = connect({ host: "127.0.0.1", port: fc.port });
  socket.write(`GET / HTTP/1.1\r\nHost: x\r\nX-Large: ${"x".repeat(300_000)}\r\n\r\n`);
  expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1\.1 400 /);
  socket.destroy();
  expect((await fetch(`${fc.url}/echo`, { headers: { "x-large": "x".repeat(7000) } })).status).toBe(200);
});

test("more than 4 KB of path and query is answered with 400", async () => {
  await using fc = await startFixture();
  const path = "/echo?q=".padEnd(gatewayLimits.pathBytes, "x");
  expect((await fetch(`${fc.url}${path}`)).status).toBe(200);
  expect(await statusAndCode(await fetch(`${fc.url}${path}x`))).toEqual([400, "InvalidArgument"]);
});

test("a body of more than 32 MB is answered with 400, announced or not, and one of 32 MB passes", async () => {
  await using fc = await startFixture({ timeoutSeconds: 20 });
  const chunk = new Uint8Array(1024 * 1024);
  async function send(chunks: number, headers: Record<string, string>) {
    const sent = request(`${fc.url}/echo`, { method: "POST", headers });
    sent.on("error", () => undefined);
    for (let index = 0; index < chunks; index += 1) sent.write(chunk);
    sent.end();
    const [answer] = await once(sent, "response");
    answer.resume();
    return answer.statusCode as number;
  }
  expect(await send(1, { "content-length": String(33 * chunk.length) })).toBe(400);
  expect(await send(33, {})).toBe(400);
  expect(await send(32, {})).toBe(200);
});

test("more than 8 KB of response headers is answered with 502", async () => {
  await using fc = await startFixture();
  const answer = await fetch(`${fc.url}/large-headers`);
  expect(answer.headers.get("x-fc-error-type")).toBe("UnhandledInvocationError");
  expect((await statusAndCode(answer))[0]).toBe(502);
});

test("a plain request over the timeout is answered with 502, and one that has begun to answer is cut", async () => {
  await using fc = await startFixture({ timeoutSeconds: 0.5, instanceConcurrency: 2 });
  const startedMs = performance.now();
  const answer = await fetch(`${fc.url}/delay?ms=5000`);
  expect(answer.status).toBe(502);
  expect(await answer.json()).toMatchObject({ ErrorMessage: "Function time out after 0.5 seconds" });
  expect(performance.now() - startedMs).toBeLessThan(4500);
  const begun = await fetch(`${fc.url}/stall`);
  expect(begun.status).toBe(200);
  await expect(begun.text()).rejects.toThrow();
});
