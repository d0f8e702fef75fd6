import { CompactSign, SignJWT } from "jose";
import { expect, test } from "vitest";
import { parseRoomRights } from "../../../server/src/auth/rights.ts";
import { createTokenVerifier } from "../../../server/src/auth/verify-token.ts";

const secret = "a secret of more than thirty-two characters";
const key = new TextEncoder().encode(secret);
const settings = { mode: "token", key: { secret }, issuer: undefined, audience: undefined, skewSeconds: 0 } as const;

function token(claims: Record<string, unknown> = {}, signedWith = key): Promise<string> {
  const inAMinute = Math.floor(Date.now() / 1000) + 60;
  return new SignJWT({ sub: "ada", exp: inAMinute, ...claims }).setProtectedHeader({ alg: "HS256" }).sign(signedWith);
}

/** A token whose claims are given as text: `JSON.stringify` writes no number that JSON reads as infinity. */
function tokenOfText(claims: string): Promise<string> {
  return new CompactSign(new TextEncoder().encode(claims)).setProtectedHeader({ alg: "HS256" }).sign(key);
}

test("where everybody is anonymous no token is asked for, and none is believed", async () => {
  const authenticate = createTokenVerifier({ mode: "anonymous" });
  for (const each of [undefined, await token({ rooms: { "*": "read write" } })]) {
    expect(await authenticate(each)).toMatchObject({ user: null, rooms: undefined, expiresAtMs: undefined });
  }
});

test("a valid token names its user, the rooms, when it was issued and when it ends", async () => {
  const exp = Math.floor(Date.now() / 1000) + 60;
  const signed = await token({ exp, iat: exp - 90.5, rooms: { lobby: "read" }, team: "a" });
  const identity = await createTokenVerifier(settings)(signed);
  expect(identity).toMatchObject({ user: "ada", expiresAtMs: exp * 1000, issuedAtSeconds: exp - 91 });
  expect(identity.rooms).toEqual(parseRoomRights({ lobby: "read" }));
  expect(identity.claims).toMatchObject({ sub: "ada", team: "a" });
});

test("a token's end is a number that JSON can hold, however far away it is", async () => {
  const { expiresAtMs } = await createTokenVerifier(settings)(await token({ exp: 1e300 }));
  expect(expiresAtMs).toBe(Number.MAX_SAFE_INTEGER);
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
  ["a subject that is too long", () => token({ sub: "a".repeat(257) }), "UNAUTHENTICATED"],
  ["a claim of rooms that is none", () => token({ rooms: ["lobby"] }), "UNAUTHENTICATED"],
  ["a claim of no rooms at all", () => token({ rooms: null }), "UNAUTHENTICATED"],
  ["a moment of issue that is no number", () => token({ iat: "now" }), "UNAUTHENTICATED"],
  ["a moment before which it is not good", () => token({ nbf: 9_999_999_999 }), "UNAUTHENTICATED"],
  ["no expiry", () => token({ exp: undefined }), "UNAUTHENTICATED"],
  ["an expiry of infinity", () => tokenOfText('{"sub":"ada","exp":1e999}'), "UNAUTHENTICATED"],
  ["an expiry of less than nothing", () => tokenOfText('{"sub":"ada","exp":-1e999}'), "TOKEN_EXPIRED"],
  ["an issue in infinity", () => tokenOfText('{"sub":"ada","exp":9999999999,"iat":1e999}'), "UNAUTHENTICATED"],
  ["a text for an expiry", () => tokenOfText('{"sub":"ada","exp":"9999999999"}'), "UNAUTHENTICATED"],
  ["a past expiry", () => token({ exp: 1_000 }), "TOKEN_EXPIRED"],
  [
    "no signature",
    async () => `${btoa('{"alg":"none"}')}.${btoa('{"sub":"ada","exp":9999999999}')}.`,
    "UNAUTHENTICATED",
  ],
])("%s is refused", async (_what, make, code) => {
  await expect(createTokenVerifier(settings)(await make())).rejects.toMatchObject({ code });
});

test("a claim of rooms that is wrong is refused with the rule and what was expected", async () => {
  const refused = createTokenVerifier(settings)(await token({ rooms: { "a*b": "read" } }));
  await expect(refused).rejects.toThrow(/rooms.*only at its end.*"a\*b"/);
});

test("the skew is allowed for at both ends, and a connection lasts as long", async () => {
  const nowSeconds = Math.floor(Date.now() / 1000);
  const late = await token({ exp: nowSeconds - 20 });
  const early = await token({ nbf: nowSeconds + 20 });
  const tolerant = createTokenVerifier({ ...settings, skewSeconds: 30 });
  expect(await tolerant(late)).toMatchObject({ user: "ada", expiresAtMs: (nowSeconds + 10) * 1000 });
  expect(await tolerant(early)).toMatchObject({ user: "ada" });
  const strict = createTokenVerifier(settings);
  await expect(strict(late)).rejects.toMatchObject({ code: "TOKEN_EXPIRED" });
  await expect(strict(early)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});

test.each(["HS384", "HS512"])("a token of the same secret that is signed by %s is refused", async (alg) => {
  const longKey = new TextEncoder().encode(secret.repeat(2));
  const signed = await new SignJWT({ sub: "ada" }).setProtectedHeader({ alg }).setExpirationTime("1m").sign(longKey);
  const verify = createTokenVerifier({ ...settings, key: { secret: secret.repeat(2) } });
  await expect(verify(signed)).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
});

test("issuer and audience are checked where they are set", async () => {
  const authenticate = createTokenVerifier({ ...settings, issuer: "id.example", audience: "rooms" });
  expect(await authenticate(await token({ iss: "id.example", aud: "rooms" }))).toMatchObject({ user: "ada" });
  for (const claims of [{ iss: "id.example" }, { aud: "rooms" }, { iss: "evil.example", aud: "rooms" }]) {
    await expect(authenticate(await token(claims))).rejects.toMatchObject({ code: "UNAUTHENTICATED" });
  }
});
