import { once } from "node:events";
import { createServer } from "node:http";
import { connect as connectTcp } from "node:net";
import { expect, test } from "vitest";
import { Echo } from "../../server/src/http/echo.ts";
import { OwnServer } from "../../server/src/http/own-server.ts";
import { waitFor, withTimeout } from "../support/wait.ts";

test("requests that wait behind another one on a connection are forgotten when it ends", async () => {
  const asked: string[] = [];
  // Nothing is answered, so that the second request has to wait for the answer to the first one.
  const server = createServer((request) => asked.push(request.url ?? ""));
  const echo = new Echo({ isOriginAllowed: () => true, isDraining: () => false });
  const own = new OwnServer(server, 0, "/socket.io/", echo);
  await own.listen();
  const client = connectTcp({ port: own.port, host: "127.0.0.1" });
  await once(client, "connect");
  client.write("GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nHost: a\r\n\r\n");
  await waitFor(() => asked.length === 2, "both requests");
  client.destroy();
  await waitFor(() => openConnections(server).then((count) => count === 0), "the connection to be gone");
  const stop = () => new Promise<void>((resolve) => server.close(() => resolve()));
  await withTimeout(
    own.close(stop, performance.now() + 20_000),
    "the server to close without waiting for anybody",
    5_000,
  );
  expect(asked).toEqual(["/first", "/second"]);
});

function openConnections(server: ReturnType<typeof createServer>): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  );
}
