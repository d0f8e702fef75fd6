import { createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { stripCredentials } from "../../../server/src/platforms/credentials.ts";
import { withTimeout } from "../../support/wait.ts";

const sent = {
  "X-Fc-Access-Key-Id": "id-of-a-key",
  "x-fc-access-key-secret": "hunter2",
  "X-FC-SECURITY-TOKEN": "token-of-a-role",
  "x-fc-access-anything-new": "unknown-yet",
  "X-CFF-Security-Token": "token-of-functiongraph",
  "x-scf-secret-key": "key-of-scf",
  "x-vercel-oidc-token": "token-of-vercel",
  "x-fc-request-id": "kept",
  "x-custom": "kept",
};

/** What listeners find in a request that carries the platform's credentials. */
async function received(extra: Record<string, string>): Promise<IncomingMessage> {
  const server = createServer();
  const seen = new Promise<IncomingMessage>((resolve) => {
    // Registered before the credentials are stripped, as Socket.IO or a logger might be.
    server.on("request", (request, response) => {
      response.end();
      resolve(request);
    });
    server.on("upgrade", (request, socket) => {
      socket.destroy();
      resolve(request);
    });
  });
  stripCredentials(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const request = get({ port, host: "127.0.0.1", headers: { ...sent, ...extra } }, (answer) => answer.resume());
    request.on("error", () => undefined);
    return await withTimeout(seen, "the request to arrive");
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test.each([
  ["a request", {}],
  ["an upgrade", { Connection: "Upgrade", Upgrade: "websocket" }],
])("the platform's credentials are gone from %s before any listener sees it", async (_what, extra) => {
  const { headers, rawHeaders, headersDistinct } = await received(extra);
  const everything = JSON.stringify([headers, rawHeaders, headersDistinct]);
  for (const value of [
    "id-of-a-key",
    "hunter2",
    "token-of-a-role",
    "unknown-yet",
    "token-of-functiongraph",
    "key-of-scf",
    "token-of-vercel",
  ]) {
    expect(everything).not.toContain(value);
  }
  expect(headers).toMatchObject({ "x-fc-request-id": "kept", "x-custom": "kept" });
  expect(rawHeaders.filter((text) => text === "kept")).toHaveLength(2);
});
