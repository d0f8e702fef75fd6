import { expect, test } from "vitest";
import { timePasses, waitFor } from "../support/wait.ts";
import type { FunctionCompute } from "./index.ts";
import { askJson, type Echo, openSocket, startFixture, statusAndCode, type TestSocket } from "./support.ts";

/** One request that leaves an idle connection to the instance, which stays awake because of the WebSocket. */
async function withIdleConnection(fc: FunctionCompute) {
  const socket = await openSocket(fc);
  await askJson(`${fc.url}/echo`);
  return socket;
}

/** Waits until the server has closed every connection but the WebSocket's. */
async function untilIdleConnectionsAreClosed(socket: TestSocket) {
  await waitFor(async () => (await socket.echo("connections")) === "1", "the server to close idle connections");
}

test("connections to an instance are used again", async () => {
  await using fc = await startFixture({ instanceConcurrency: 10 });
  using _ = await withIdleConnection(fc);
  const before = await askJson<{ connections: number }>(`${fc.url}/state`);
  for (let index = 0; index < 5; index += 1) await askJson(`${fc.url}/echo`, { method: "POST", body: "1" });
  expect(await askJson<{ connections: number }>(`${fc.url}/state`)).toEqual(before);
});

test("a POST on a connection that the server has closed fails with 502, a GET is sent again", async () => {
  await using fc = await startFixture({ instanceConcurrency: 10 }, { env: { FIXTURE_KEEP_ALIVE_MS: "50" } });
  using socket = await withIdleConnection(fc);
  await untilIdleConnectionsAreClosed(socket);
  const post = () => fetch(`${fc.url}/echo`, { method: "POST", body: "lost" });
  expect(await statusAndCode(await post())).toEqual([502, "UnhandledInvocationError"]);
  expect((await post()).status).toBe(200);
  await untilIdleConnectionsAreClosed(socket);
  expect((await fetch(`${fc.url}/echo`)).status).toBe(200);
  expect((await post()).status).toBe(200);
});

test("a connection that the server closes while a request is on its way loses a POST, and a GET is sent again", async () => {
  await using fc = await startFixture({ instanceConcurrency: 10 });
  using _ = await openSocket(fc);
  await askJson(`${fc.url}/poison`);
  expect((await askJson<Echo>(`${fc.url}/echo`)).method).toBe("GET");
  await askJson(`${fc.url}/poison`);
  const answer = await fetch(`${fc.url}/echo`, { method: "POST", body: "lost" });
  expect(await statusAndCode(answer)).toEqual([502, "UnhandledInvocationError"]);
});

test("a server that keeps connections open for longer than the pause loses no POST", async () => {
  await using fc = await startFixture({ instanceConcurrency: 10 }, { env: { FIXTURE_KEEP_ALIVE_MS: "900000" } });
  using _ = await withIdleConnection(fc);
  // The pause itself: a connection that is not used.
  await timePasses(1500);
  expect((await fetch(`${fc.url}/echo`, { method: "POST", body: "kept" })).status).toBe(200);
});
