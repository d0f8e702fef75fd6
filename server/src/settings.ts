import { type Config, type ConfigProblem, parseConfig, settings } from "./config.ts";
import { nearestName } from "./misspelt-settings.ts";
import { platformVariables } from "./platforms/table.ts";

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Rest}`
  ? `${Lowercase<Head>}${Capitalize<CamelCase<Rest>>}`
  : Lowercase<Name>;

/**
 * The settings of the README, by their names in camelCase (`redisUrl`, `historyMaxMessages`). What is absent has the
 * README's default.
 */
export type Settings = {
  readonly [Name in keyof typeof settings as CamelCase<Name>]?: string | number | undefined;
} & {
  /** Variables of platforms, which prove where the server runs: `fcFunctionName` turns Function Compute's hooks on. */
  readonly [Name in (typeof platformVariables)[number] as CamelCase<Name>]?: string | undefined;
};

/** Every setting. */
export const settingNames: readonly string[] = Object.keys(settings);
/** Every variable that is read. */
const variableNames = [...settingNames, ...platformVariables];

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** The settings that an environment describes. An empty variable is treated as unset. */
export function settingsFrom(env: Readonly<Record<string, string | undefined>>): Settings {
  const found = variableNames.flatMap((name) => (env[name] ? [[camelCase(name), env[name]]] : []));
  return Object.fromEntries(found) as Settings;
}

/** Settings that are missing or wrong, all of them at once. */
export class SettingsError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ name, expected, got }) => `${name}: expected ${expected}, got ${got}`).join("; "));
    this.name = "SettingsError";
    this.problems = problems;
  }
}

/**
 * Refuses settings that have a name which is none of the README's. Where they come from an object and not from an
 * environment, no name belongs to somebody else. Throws a SettingsError, which shows no value: it may be a secret.
 */
export function requireKnownNames(given: Settings): void {
  const known = variableNames.map(camelCase);
  const problems = Object.keys(given).flatMap((name) => {
    if (known.includes(name)) return [];
    const meant = nearestName(name, known);
    const expected = meant === undefined ? "one of the names that the README lists, in camelCase" : `the name ${meant}`;
    return [{ name, expected, got: "one that is no setting" }];
  });
  if (problems.length > 0) throw new SettingsError(problems);
}

/**
 * Checks settings, and fills in the defaults. An application with its own `authenticate` needs neither AUTH nor the
 * settings that AUTH requires. Throws a SettingsError.
 */
export function configFrom(given: Settings, application: { readonly authenticate?: unknown } = {}): Config {
  requireKnownNames(given);
  const values: Readonly<Record<string, string | number | undefined>> =
    application.authenticate === undefined ? given : { ...given, auth: "anonymous" };
  const env = variableNames.map((name) => [name, values[camelCase(name)]?.toString()] as const);
  const config = parseConfig(Object.fromEntries(env));
  if (isProblems(config)) throw new SettingsError(config);
  return config;
}

function isProblems(value: ReturnType<typeof parseConfig>): value is readonly ConfigProblem[] {
  return Array.isArray(value);
}
