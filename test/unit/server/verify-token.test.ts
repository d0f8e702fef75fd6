import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { expect, test } from "vitest";
import { createAuthenticator } from "../../../server/src/auth/verify-token.ts";

const secret = "a secret of more than thirty-two characters";
const key = new TextEncoder().encode(secret);
const settings = { mode: "token", key: { secret }, issuer: undefined, audience: undefined } as const;

function token(claims: Record<string, unknown> = {}, signedWith = key): Promise<string> {
  const inAMinute = Math.floor(Date.now() / 1000) + 60;
  return new SignJWT({ sub: "ada", exp: inAMinute, ...claims }).setProtectedHeader({ alg: "HS256" }).sign(signedWith);
}

test("where everybody is anonymous no token is asked for, and none is believed", async () => {
  const authenticate = createAuthenticator({ mode: "anonymous" });
  expect(await authenticate(undefined)).toEqual({ user: null });
  expect(await authenticate(await token())).toEqual({ user: null });
});

test("a valid token names its user", async () => {
  expect(await createAuthenticator(settings)(await token())).toEqual({ user: "ada" });
});

test.each<[string, () => Promise<string | undefined>, string]>([
  ["no token", async () => undefined, "UNAUTHENTICATED"],
  ["no JWT", async () => "a.b.c", "UNAUTHENTICATED"],
  ["another secret", () => token({}, new TextEncoder().encode("x".repeat(40))), "UNAUTHENTICATED"],
  ["no subject", () => token({ sub: undefined }), "UNAUTHENTICATED"],
  ["an empty subject", () => token({ sub: "" }), "UNAUTHENTICATED"],
  ["a subject of null", () => token({ sub: null }), "UNAUTHENTICATED"],
  ["a number for a subject", () => token({ sub: 7 }), "UNAUTHENTICATED"],
  ["an object for a subject", () => token({ sub: { a: 1 } }), "UNAUTHENTICATED"],
  ["no expiry", () => token({ exp: undefined }), "UNAUTHENTICATED"],
  ["a past expiry", () => token({ exp: 1_000 }), "TOKEN_EXPIRED"],
  [
    "no signature",
    async () => `${btoa('{"alg":"none"}')}.${btoa('{"sub":"ada","exp":9999999999}')}.`,
    "UNAUTHENTICATED",
  ],
])("%s is refused", async (_what, make, code) => {
  await expect(createAuthenticator(settings)(await make())).rejects.toMatchObject({ code });
});

test("issuer and audience are checked where they are set", async () => {
  const authenticate = createAuthenticator({ ...settings, issuer: "id.example", audience: "rooms" });
  expect(await authenticate(await token({ iss: "id.example", aud: "rooms" }))).toEqual({ user: "ada" });
  for (const claims of [{ iss: "id.example" }, { aud: "rooms" }, { iss: "evil.example", aud: "rooms" }]) {
    await expect(authenticate(await token(claims))).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  }
});

test("a key set verifies tokens of its own keys only, and one that cannot be reached is UNAVAILABLE", async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256");
  const stranger = await generateKeyPair("ES256");
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: "one", alg: "ES256" }] });
  const server = createServer((_request, response) => response.end(jwks));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  const sign = (signingKey: CryptoKey) =>
    new SignJWT({ sub: "ada" })
      .setProtectedHeader({ alg: "ES256", kid: "one" })
      .setExpirationTime("1m")
      .sign(signingKey);
  try {
    const authenticate = createAuthenticator({ ...settings, key: { jwksUrl } });
    expect(await authenticate(await sign(privateKey))).toEqual({ user: "ada" });
    await expect(authenticate(await sign(stranger.privateKey))).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
    // A token signed with the public key's text as a secret is the classic confusion of algorithms.
    await expect(authenticate(await token({}, new TextEncoder().encode(jwks)))).rejects.toMatchObject({
      code: "UNAUTHENTICATED",
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
  await expect(createAuthenticator({ ...settings, key: { jwksUrl } })(await sign(privateKey))).rejects.toMatchObject({
    code: "UNAVAILABLE",
  });
});

test.each([
  [503, "{}"],
  [200, "no JSON"],
  [200, '{"keys":1}'],
])("a key set's server that answers %i %s makes a token neither good nor bad", async (status, body) => {
  const server = createServer((_request, response) => response.writeHead(status).end(body));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    const { privateKey } = await generateKeyPair("ES256");
    const signed = await new SignJWT({ sub: "ada" })
      .setProtectedHeader({ alg: "ES256", kid: "one" })
      .setExpirationTime("1m")
      .sign(privateKey);
    await expect(createAuthenticator({ ...settings, key: { jwksUrl } })(signed)).rejects.toMatchObject({
      code: "UNAVAILABLE",
    });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
