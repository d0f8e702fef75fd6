import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createTokenVerifier } from "../../../server/src/auth/verify-token.ts";

const algorithms = ["RS256", "ES256", "EdDSA"] as const;

/** A key pair of an issuer. */
async function keyNamed(kid: string, alg = "ES256") {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  return {
    jwk: { ...(await exportJWK(publicKey)), kid },
    sign: (header: object = {}) =>
      new SignJWT({ sub: "ada" })
        .setProtectedHeader({ alg, kid, ...header })
        // Later than any clock of these tests.
        .setExpirationTime(Date.UTC(2099, 0) / 1000)
        .sign(privateKey),
  };
}

/** A key server that can go away and come back at the same address. */
class KeyServer {
  body = "";
  status = 200;
  requests = 0;
  #port = 0;
  #server: ReturnType<typeof createServer> | undefined;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/keys`;
  }

  publish(...keys: readonly object[]): void {
    this.body = JSON.stringify({ keys });
  }

  async start(): Promise<void> {
    this.#server = createServer((_request, response) => {
      this.requests += 1;
      response.writeHead(this.status, { connection: "close" }).end(this.body);
    });
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  }
}

let keys: KeyServer;
const warnings: object[] = [];
const verifier = () =>
  createTokenVerifier(
    { mode: "token", key: { jwksUrl: keys.url }, issuer: undefined, audience: undefined, skewSeconds: 0 },
    { warn: (fields: object) => void warnings.push(fields) },
  );

/** The wall clock goes on; everything else takes its own time. */
function pass(ms: number): void {
  vi.setSystemTime(Date.now() + ms);
}

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  warnings.length = 0;
  keys = new KeyServer();
  await keys.start();
});

afterEach(async () => {
  vi.useRealTimers();
  await keys.stop();
});

test.each(algorithms)("a token of a key of the set is verified: %s", async (alg) => {
  const one = await keyNamed("one", alg);
  keys.publish(one.jwk);
  expect(await verifier()(await one.sign())).toMatchObject({ user: "ada" });
});

test("a stranger's key, another algorithm and a public key that is taken for a secret are refused", async () => {
  const one = await keyNamed("one");
  keys.publish(one.jwk);
  const verify = verifier();
  const stranger = await keyNamed("one");
  const claims = { sub: "ada", exp: 9_999_999_999 };
  const asSecret = new TextEncoder().encode(keys.body);
  const confused = await new SignJWT(claims).setProtectedHeader({ alg: "HS256", kid: "one" }).sign(asSecret);
  const unsigned = `${btoa('{"alg":"none","kid":"one"}')}.${btoa(JSON.stringify(claims))}.`;
  for (const token of [await stranger.sign(), confused, unsigned]) {
    await expect(verify(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  }
  expect(keys.requests).toBe(1);
});

test("a secret within a key set verifies nothing", async () => {
  const secret = new TextEncoder().encode("s".repeat(32));
  keys.publish({ kty: "oct", kid: "one", k: btoa("s".repeat(32)).replace(/=+$/, "") });
  const token = await new SignJWT({ sub: "ada" })
    .setProtectedHeader({ alg: "HS256", kid: "one" })
    .setExpirationTime("1m")
    .sign(secret);
  await expect(verifier()(token)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});

test("an outage of the key server harms nobody whose key is known, however long it is", async () => {
  const one = await keyNamed("one");
  keys.publish(one.jwk);
  const verify = verifier();
  await verify(await one.sign());
  await keys.stop();
  for (let day = 0; day < 3; day += 1) {
    pass(86_400_000);
    expect(await verify(await one.sign())).toMatchObject({ user: "ada" });
  }
  await vi.waitFor(() => expect(warnings.length).toBeGreaterThan(0));

  // Somebody whose key is not known is not refused for good: the key may be new.
  const two = await keyNamed("two");
  pass(20_000);
  await expect(verify(await two.sign())).rejects.toMatchObject({ code: "UNAVAILABLE" });
  keys.publish(one.jwk, two.jwk);
  await keys.start();
  pass(20_000);
  expect(await verify(await two.sign())).toMatchObject({ user: "ada" });
});

test("a key server that is away at the very first token is a reason to try again, and is not asked at every attempt", async () => {
  const one = await keyNamed("one");
  keys.publish(one.jwk);
  await keys.stop();
  const verify = verifier();
  for (let attempt = 0; attempt < 5; attempt += 1) {
    await expect(verify(await one.sign())).rejects.toMatchObject({
      code: "UNAVAILABLE",
      retryAfterMs: expect.any(Number),
    });
  }
  expect(warnings).toHaveLength(1);
  await keys.start();
  pass(1_500);
  expect(await verify(await one.sign())).toMatchObject({ user: "ada" });
});

test("unknown keys make the set be fetched once in a while, and then they are refused for good", async () => {
  const one = await keyNamed("one");
  keys.publish(one.jwk);
  const verify = verifier();
  await verify(await one.sign());
  const unknown = await (await keyNamed("two")).sign();
  const codes = async () =>
    Promise.all(
      Array.from({ length: 20 }, () =>
        verify(unknown).then(
          () => "good",
          (error: { code: string }) => error.code,
        ),
      ),
    );
  expect(new Set(await codes())).toEqual(new Set(["UNAVAILABLE"]));
  expect(keys.requests).toBe(1);
  pass(10_001);
  expect(new Set(await codes())).toEqual(new Set(["UNAUTHENTICATED"]));
  expect(keys.requests).toBe(2);
});

test("a key that was withdrawn no longer counts once the set has been fetched again", async () => {
  const [one, two] = [await keyNamed("one"), await keyNamed("two")];
  keys.publish(one.jwk, two.jwk);
  const verify = verifier();
  await verify(await one.sign());
  keys.publish(two.jwk);
  pass(600_001);
  // The first token after that time is verified by what is known, and has the set fetched.
  await verify(await one.sign());
  await vi.waitFor(() => expect(keys.requests).toBe(2));
  pass(10_001);
  await vi.waitFor(async () => {
    await expect(verify(await one.sign())).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  });
  expect(await verify(await two.sign())).toMatchObject({ user: "ada" });
});

test.each([
  [503, "{}"],
  [302, "{}"],
  [200, "no JSON"],
  [200, '{"keys":1}'],
])("a key server that answers %i %s makes a token neither good nor bad", async (status, body) => {
  Object.assign(keys, { status, body });
  const one = await keyNamed("one");
  await expect(verifier()(await one.sign())).rejects.toMatchObject({ code: "UNAVAILABLE" });
});
