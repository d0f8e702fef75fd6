import { createHmac } from "node:crypto";
import { errors, jwtVerify } from "jose";
import { expect, test } from "vitest";
import { createHs256Verifier } from "../../../server/src/auth/hs256.ts";

const secret = "a secret of more than thirty-two characters";
const options = { requiredClaims: ["sub", "exp"] };
const verify = createHs256Verifier(secret, options);
const inAMinute = Math.floor(Date.now() / 1000) + 60;

const encoded = (text: string) => Buffer.from(text).toString("base64url");
const claims = encoded(JSON.stringify({ sub: "ann", exp: inAMinute }));

function signed(head: string, body = claims, key = secret): string {
  const input = `${encoded(head)}.${body}`;
  return `${input}.${createHmac("sha256", key).update(input).digest("base64url")}`;
}

const good = signed('{"alg":"HS256"}');
const [head = "", , signature = ""] = good.split(".");

/** What jose says of a token by itself, and what ours does. */
async function verdicts(token: string) {
  const kind = (error: unknown) => (error instanceof errors.JOSEError ? error.code : String(error));
  const key = new TextEncoder().encode(secret);
  const jose = jwtVerify(token, key, { ...options, algorithms: ["HS256"] });
  return Promise.all([verify(token).catch(kind), jose.then(({ payload }) => payload, kind)]);
}

test.each([
  ["a good one", good, true],
  ["one with more in its head", signed('{"typ":"JWT","alg":"HS256","kid":"1"}'), true],
  ["one without a signature", `${head}.${claims}.`, false],
  [
    "one with the signature of other claims",
    `${head}.${encoded('{"sub":"eve","exp":9999999999}')}.${signature}`,
    false,
  ],
  ["one with a shorter signature", good.slice(0, -1), false],
  ["one of another secret", signed('{"alg":"HS256"}', claims, `${secret}!`), false],
  ["one of no algorithm", signed('{"alg":"none"}'), false],
  ["one of a key's algorithm", signed('{"alg":"RS256"}'), false],
  ["one of a longer algorithm", signed('{"alg":"HS512"}'), false],
  ["one whose algorithm is an array", signed('{"alg":["HS256"]}'), false],
  ["one that must be understood", signed('{"alg":"HS256","crit":["exp"],"exp":1}'), false],
  ["one whose claims are not encoded", signed('{"alg":"HS256","crit":["b64"],"b64":false}', "{}"), false],
  ["one whose head is no JSON", signed("HS256"), false],
  ["one whose head is null", signed("null"), false],
  ["one whose claims are no JSON", signed('{"alg":"HS256"}', encoded("ann")), false],
  ["one whose claims are an array", signed('{"alg":"HS256"}', encoded("[]")), false],
  ["one without an end", signed('{"alg":"HS256"}', encoded('{"sub":"ann"}')), false],
  ["one that has ended", signed('{"alg":"HS256"}', encoded('{"sub":"ann","exp":1}')), false],
  ["one of four parts", `${good}.`, false],
  ["one of no parts", "HS256", false],
  ["an empty one", "", false],
])("%s is judged as jose judges it", async (_what, token, isGood) => {
  const [ours, jose] = await verdicts(token);
  expect(ours).toEqual(jose);
  expect(typeof ours === "object").toBe(isGood);
});
