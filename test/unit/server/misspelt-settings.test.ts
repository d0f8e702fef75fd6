import { expect, test } from "vitest";
import { settings } from "../../../server/src/config.ts";
import { misspeltSettings } from "../../../server/src/misspelt-settings.ts";

const known = Object.keys(settings);
const meantBy = (...given: string[]) =>
  misspeltSettings(Object.fromEntries(given.map((name) => [name, "1"])), known).map(({ meant }) => meant);

test.each([
  ["REDIS_URI", "REDIS_URL"],
  ["TOKEN_SECRETS", "TOKEN_SECRET"],
  ["ALLOWED_ORIGIN", "ALLOWED_ORIGINS"],
  ["HISTORY_MAX_MESAGE", "HISTORY_MAX_MESSAGES"],
  ["LOGLEVEL", "LOG_LEVEL"],
  ["PORTS", "PORT"],
])("%s is taken for a misspelt %s", (given, meant) => {
  expect(meantBy(given)).toEqual([meant]);
});

test.each(["PATH", "HOME", "HOST", "EDITOR", "NODE_OPTIONS", "FC_REGION", "FC_FUNCTION_NAME", "REDIS_PASSWORD"])(
  "%s belongs to somebody else",
  (given) => {
    expect(meantBy(given)).toEqual([]);
  },
);

test("a setting that is known is not misspelt, nor is one whose right name is set as well", () => {
  expect(meantBy(...known)).toEqual([]);
  expect(meantBy("REDIS_URL", "REDIS_URI")).toEqual([]);
});
