import { expect, test } from "vitest";
import { type AllowedOrigins, originAllowed } from "../../../server/src/sockets/origin.ts";

const exact = ["https://app.example"];
const below = ["https://*.app.example"];
const port = ["https://*.app.example:8443"];

test.each<[AllowedOrigins, string | undefined, boolean]>([
  ["any", "https://evil.example", true],
  [exact, undefined, true],
  [exact, "https://app.example", true],
  [exact, "https://evil.example", false],
  [exact, "http://app.example", false],
  [exact, "https://app.example:8443", false],
  [exact, "https://app.example.evil.example", false],
  [exact, "https://www.app.example", false],
  [exact, "null", false],
  [exact, "", false],
  [below, "https://www.app.example", true],
  [below, "https://a.b.app.example", true],
  [below, "https://xn--bcher-kva.app.example", true],
  [below, "https://app.example", false],
  [below, "https://.app.example", false],
  [below, "https://evilapp.example", false],
  [below, "https://www.app.example.evil.example", false],
  [below, "https://www.app.example:8443", false],
  [below, "http://www.app.example", false],
  [below, "https://evil.example/.app.example", false],
  [below, "https://evil.example#.app.example", false],
  [below, "https://evil.example:1@x.app.example", false],
  [below, "https://a..app.example", false],
  [below, "null", false],
  [port, "https://www.app.example:8443", true],
  [port, "https://www.app.example", false],
  [[...exact, ...below], "https://app.example", true],
  [[...exact, ...below], "https://www.app.example", true],
  [[], "https://app.example", false],
])("with %j allowed, the origin %s passes: %s", (allowed, origin, passes) => {
  expect(originAllowed(allowed, origin)).toBe(passes);
});
