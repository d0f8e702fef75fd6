import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { expect, test } from "vitest";
import type { TriggerSettings } from "./settings.ts";
import { askJson, type Echo, openSocket, refusedWith, startFixture, statusAndCode } from "./support.ts";

const anonymous = { authType: "anonymous", methods: ["GET", "POST"], jwt: null } as const;

test("a method that the trigger does not name is answered with 403, and a WebSocket needs GET", async () => {
  await using fc = await startFixture({ trigger: { ...anonymous, methods: ["POST"] } });
  expect(await statusAndCode(await fetch(`${fc.url}/echo`))).toEqual([403, "AccessDenied"]);
  expect((await fetch(`${fc.url}/echo`, { method: "POST" })).status).toBe(200);
  expect(await refusedWith(openSocket(fc))).toBe(403);
});

test("a function without an HTTP trigger answers 404", async () => {
  await using fc = await startFixture({ trigger: null });
  expect((await fetch(`${fc.url}/echo`)).status).toBe(404);
  expect(fc.instances()).toEqual([]);
});

test("with signature authentication a request without one is answered with 400 and a wrong one with 403", async () => {
  await using fc = await startFixture({ trigger: { ...anonymous, authType: "function" } });
  expect((await fetch(`${fc.url}/echo`)).status).toBe(400);
  const headers = { authorization: "acs wrong:signature", date: new Date().toUTCString() };
  expect((await statusAndCode(await fetch(`${fc.url}/echo`, { headers })))[0]).toBe(403);
  expect(await refusedWith(openSocket(fc))).toBe(400);
});

test("with JWT authentication a token in the query, a cookie or a header lets a request and a handshake in", async () => {
  const { publicKey, privateKey } = await generateKeyPair("RS256");
  const trigger: TriggerSettings = {
    authType: "jwt",
    methods: ["GET"],
    jwt: {
      jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: "k1", alg: "RS256" }] },
      tokenLookup: "query:token,cookie:token,header:Authorization:Bearer ",
      claimPassBy: "header:sub:x-user,query:name:name",
    },
  };
  const sign = (key: typeof privateKey, expires: string) =>
    new SignJWT({ sub: "ann", name: "Ann B" })
      .setProtectedHeader({ alg: "RS256", kid: "k1" })
      .setExpirationTime(expires)
      .sign(key);
  const token = await sign(privateKey, "1 minute");
  await using fc = await startFixture({ trigger, instanceConcurrency: 10 });

  for (const [path, headers] of [
    [`/echo?token=${token}`, {}],
    ["/echo?a=1", { cookie: `other=1; token=${token}` }],
    ["/echo?a=1", { authorization: `Bearer ${token}` }],
  ] as const) {
    const echo = await askJson<Echo>(`${fc.url}${path}`, { headers });
    expect(echo.headers["x-user"]).toBe("ann");
    expect(echo.url).toBe(`${path}&name=Ann+B`);
    using socket = await openSocket(fc, path, headers);
    expect(socket.greeting.headers["x-user"]).toBe("ann");
  }
  expect((await fetch(`${fc.url}/echo`)).status).toBe(400);
  expect((await fetch(`${fc.url}/echo?token=nonsense`)).status).toBe(400);
  expect((await fetch(`${fc.url}/echo?token=${await sign(privateKey, "-1 minute")}`)).status).toBe(403);
  const stranger = await sign((await generateKeyPair("RS256")).privateKey, "1 minute");
  expect((await fetch(`${fc.url}/echo?token=${stranger}`)).status).toBe(403);
  expect(await refusedWith(openSocket(fc, `/?token=${stranger}`))).toBe(403);
  expect(await refusedWith(openSocket(fc))).toBe(400);
});
