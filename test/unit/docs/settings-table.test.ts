import { expect, test } from "vitest";
import { type Config, type ConfigProblem, parseConfig, settings } from "../../../server/src/config.ts";
import { cell, code, codes, type Row, read, tableUnder } from "../../support/markdown.ts";

const rows = tableUnder(read("README.md"), "Settings");

/** Values that each setting without a default accepts, to see that it was unset before. */
const samples: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  NODE_ENV: { NODE_ENV: "production", REDIS_URL: "redis://localhost", AUTH: "anonymous", ALLOWED_ORIGINS: "*" },
  FC_SERVER_PORT: { FC_SERVER_PORT: "9001" },
  FC_CUSTOM_LISTEN_PORT: { FC_CUSTOM_LISTEN_PORT: "9001" },
  REDIS_URL: { REDIS_URL: "redis://localhost" },
  FUNCTION_TIMEOUT_SECONDS: { FUNCTION_TIMEOUT_SECONDS: "60" },
  BUILD: { BUILD: "2026-11-30" },
  TOKEN_SECRET: { AUTH: "token", TOKEN_SECRET: "0123456789abcdef0123456789abcdef" },
  TOKEN_JWKS_URL: { AUTH: "token", TOKEN_JWKS_URL: "https://id.example/keys" },
  TOKEN_ISSUER: { AUTH: "token", TOKEN_JWKS_URL: "https://id.example/keys", TOKEN_ISSUER: "https://id.example" },
  TOKEN_AUDIENCE: { AUTH: "token", TOKEN_JWKS_URL: "https://id.example/keys", TOKEN_AUDIENCE: "holdfast" },
  MAX_CONNECTIONS: { MAX_CONNECTIONS: "500" },
  ADMIN_TOKEN: { ADMIN_TOKEN: "0123456789abcdef" },
};

function configured(env: Readonly<Record<string, string>>): Config {
  const config = parseConfig(env);
  if (Array.isArray(config)) throw new Error(`expected a configuration, got ${JSON.stringify(config)}`);
  return config as Config;
}

function problemsOf(env: Readonly<Record<string, string>>): readonly ConfigProblem[] {
  const config = parseConfig(env);
  return Array.isArray(config) ? config : [];
}

const nameOf = (row: Row) => code(row, "Variable");
const defaultOf = (row: Row): string | undefined => codes(cell(row, "Default"))[0];

test("the README lists every setting once, in the order of the code", () => {
  expect(rows.map(nameOf)).toEqual(Object.keys(settings));
});

test("what a setting accepts is what the server says when it refuses a value", () => {
  const documented = rows.map((row) => [nameOf(row), cell(row, "Accepts").replaceAll("`", "")]);
  expect(documented).toEqual(Object.entries(settings).map(([name, { description }]) => [name, description]));
});

test.each(rows.filter(defaultOf).map((row) => [nameOf(row), defaultOf(row) ?? ""] as const))(
  "%s is %s where nothing is set",
  (name, value) => {
    expect(configured({ [name]: value })).toEqual(configured({}));
  },
);

test.each(rows.filter((row) => defaultOf(row) === undefined).map(nameOf))("%s is unset by default", (name) => {
  const { [name]: value, ...others } = samples[name] ?? {};
  if (value === undefined) throw new Error(`expected a sample value for ${name}, or a default in the README`);
  const before = parseConfig(others);
  expect(parseConfig({ ...others, [name]: value })).not.toEqual(before);
});

test("the settings that production requires are those that stop a production server without them", () => {
  const required = rows.filter((row) => cell(row, "In production") === "required").map(nameOf);
  expect(required).toEqual(problemsOf({ NODE_ENV: "production" }).map(({ name }) => name));
});
