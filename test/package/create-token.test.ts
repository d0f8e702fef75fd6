import { createServer } from "@holdfast/server";
import { createTestServer, createToken } from "@holdfast/server/testing";
import { decodeJwt } from "jose";
import { expect, test } from "vitest";
import { connectStock } from "../support/stock-client.ts";
import { auction } from "./auction.ts";

const tokenSecret = "a-secret-of-at-least-thirty-two-bytes";

test("a token for development admits its user to a server with that secret, and with no other", async () => {
  const token = await createToken({ secret: tokenSecret, user: "ann", rooms: { lot: "read" }, claims: { team: "a" } });
  const { iat = 0, exp = 0, ...claims } = decodeJwt(token);
  expect(claims).toEqual({ sub: "ann", rooms: { lot: "read" }, team: "a" });
  expect(exp - iat).toBe(3600);

  const settings = { port: 0, auth: "token", tokenSecret, drainSeconds: 0 };
  await using server = await createServer({ contract: auction }, { settings });
  using socket = await connectStock(server.url, { token });
  expect(socket.connected).toBe(true);
  const foreign = await createToken({ secret: `another-${tokenSecret}`, user: "ann" });
  await expect(connectStock(server.url, { token: foreign })).rejects.toMatchObject({
    data: { code: "UNAUTHENTICATED" },
  });
});

test("a token for development carries what a server asks for, and ends when it is told to", async () => {
  const issued = { secret: tokenSecret, user: "ann", issuer: "id.example", audience: "rooms" };
  await using rig = await createTestServer(
    { contract: auction },
    { settings: { tokenSecret, tokenIssuer: "id.example", tokenAudience: "rooms" } },
  );
  using socket = await connectStock(rig.url, { token: await createToken(issued) });
  expect(socket.connected).toBe(true);
  await expect(
    connectStock(rig.url, { token: await createToken({ ...issued, expiresInSeconds: -1 }) }),
  ).rejects.toMatchObject({ data: { code: "TOKEN_EXPIRED" } });
});
