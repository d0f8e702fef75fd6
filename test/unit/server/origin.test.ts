import { expect, test } from "vitest";
import { originAllowed } from "../../../server/src/sockets/origin.ts";

const list = ["https://app.example"];

test.each<["any" | readonly string[], string | undefined, string | undefined, boolean]>([
  ["any", "https://evil.example", "api.example", true],
  [list, "https://app.example", "api.example", true],
  [list, "https://evil.example", "api.example", false],
  [list, "http://app.example", "api.example", false],
  [list, "https://app.example.evil.example", "api.example", false],
  [list, "https://api.example", "api.example", false],
  [list, "null", "api.example", false],
  [list, undefined, "api.example", true],
  [[], "https://api.example", "api.example", true],
  [[], "https://api.example:8443", "api.example:8443", true],
  [[], "https://api.example:8443", "api.example", false],
  [[], "https://evil.example", "api.example", false],
  [[], "https://evil.example", undefined, false],
  [[], "null", "api.example", false],
  [[], "", "", false],
])("with %j allowed, the origin %s at the host %s passes: %s", (allowed, origin, host, passes) => {
  expect(originAllowed(allowed, origin, host)).toBe(passes);
});
