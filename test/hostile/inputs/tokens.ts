import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { jsonText } from "./json-texts.ts";

const base64url = (text: string) => Buffer.from(text).toString("base64url");

/** Signs what no library would sign. */
function signed(header: string, claims: string, secret: string, hash = "sha256"): string {
  const content = `${base64url(header)}.${base64url(claims)}`;
  return `${content}.${createHmac(hash, secret).update(content).digest("base64url")}`;
}

const right = '{"alg":"HS256"}';
/** A day that is long over, and one that no token of a test reaches. */
const [past, future] = [1_000_000_000, 4_000_000_000];
const claims = `{"sub":"mallory","exp":${future},"rooms":{"*":"read write"}}`;

const headers = fc.constantFrom(
  ...['{"alg":"none"}', '{"alg":"None"}', '{"alg":""}', '{"alg":null}', "{}", "null", "[]", '{"alg":["HS256"]}'],
  ...['{"alg":"HS384"}', '{"alg":"HS512"}', '{"alg":"RS256"}', '{"alg":"ES256"}', '{"alg":"EdDSA"}', '{"alg":"dir"}'],
  ...['{"alg":"HS256","b64":false,"crit":["b64"]}', '{"alg":"HS256","crit":["exp"]}', '{"alg":"HS256","crit":[]}'],
  '{"alg":"RS256","jku":"http://127.0.0.1:9/keys"}',
  '{"alg":"RS256","kid":"../../../dev/null","jwk":{"kty":"oct","k":"AA"}}',
);

/** Claims that prove nothing although the signature is right: an issuer that was careless wrote them. */
const wrongClaims = fc.oneof(
  fc.constantFrom(
    ...["{}", "null", "[]", "1", '"text"', "", "{", `{"exp":${future}}`, '{"sub":"mallory"}'],
    ...[`{"sub":"","exp":${future}}`, `{"sub":null,"exp":${future}}`, `{"sub":{},"exp":${future}}`],
    ...[`{"sub":"mallory","exp":"${future}"}`, '{"sub":"mallory","exp":-1}'],
    ...[`{"sub":"mallory","exp":${past}}`, `{"sub":"mallory","exp":${future},"nbf":${future}}`],
    `{"sub":"${"x".repeat(257)}","exp":${future}}`,
    `{"sub":"mallory","exp":${future},"rooms":"*"}`,
    `{"sub":"mallory","exp":${future},"rooms":{"*":"everything"}}`,
    `{"sub":"mallory","exp":${future},"rooms":{"a*b":"read"}}`,
    `{"sub":"mallory","exp":${future},"big":"${"x".repeat(8_000)}"}`,
  ),
  jsonText.filter((json) => json.length < 500).map((json) => `{"sub":${JSON.stringify([json])},"exp":${future}}`),
);

const noToken = fc.oneof(
  fc.constantFrom("", ".", "..", "...", "a.b.c", "a.b", "null", "eyJ.eyJ.", "undefined", "[object Object]"),
  fc.string({ unit: "grapheme-ascii", maxLength: 60 }),
  fc.constantFrom(100, 4_096, 4_097, 20_000).map((length) => "x".repeat(length)),
  fc.integer({ min: 4, max: 300 }).map((dots) => ".".repeat(dots)),
);

/** A good token in which one character is another one, in front of the last, which has bits that do not count. */
const changed = fc.tuple(fc.nat(10_000), fc.constantFrom(..."AZaz09-_")).map(([at, character]) => (token: string) => {
  const index = at % (token.length - 1);
  const other = token[index] === character ? "." : character;
  return `${token.slice(0, index)}${other}${token.slice(index + 1)}`;
});

/** Tokens of which not one may be believed by a server with this secret. */
export function hostileToken(secret: string): fc.Arbitrary<string> {
  const good = signed(right, claims, secret);
  const [header = "", body = "", signature = ""] = good.split(".");
  return fc.oneof(
    { weight: 2, arbitrary: noToken },
    { weight: 3, arbitrary: headers.map((each) => signed(each, claims, secret)) },
    { weight: 1, arbitrary: headers.map((each) => `${base64url(each)}.${body}.`) },
    { weight: 3, arbitrary: wrongClaims.map((each) => signed(right, each, secret)) },
    { weight: 2, arbitrary: changed.map((change) => change(good)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom("", "guess", secret.toUpperCase()).map((key) => signed(right, claims, key || "x")),
    },
    { weight: 1, arbitrary: fc.constantFrom("sha384", "sha512").map((hash) => signed(right, claims, secret, hash)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        `${header}.${body}`,
        `${good}.x`,
        `${header}..${signature}`,
        ` ${good}.`,
        `${body}.${header}.${signature}`,
      ),
    },
  );
}
