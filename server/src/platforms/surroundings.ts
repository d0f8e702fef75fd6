import type { IncomingHttpHeaders } from "node:http";
import type { Platform } from "./platform.ts";
import { type PlatformName, platforms } from "./table.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where this process runs, and what follows from it for its connections and its end. */
export interface Surroundings {
  readonly name: PlatformName;
  readonly platform: Platform;
  /** How long connections live where a request does not say it; undefined sets no limit. */
  readonly lifetimeSeconds: number | undefined;
}

/** Seconds that closing takes at most after a drain: last answers, silent clients, backends. */
const closingSeconds = 2;

/**
 * What an environment proves. A variable of the platform's own counts more than the setting, and the setting more than
 * what is assumed.
 *
 * @param settingSeconds - FUNCTION_TIMEOUT_SECONDS
 */
export function surroundingsOf(env: Environment, settingSeconds: number | undefined): Surroundings {
  const rows = Object.entries(platforms) as readonly [PlatformName, Platform][];
  const none: readonly [PlatformName, Platform] = ["none", platforms.none];
  const [name, platform] = rows.find(([, row]) => isProven(row, env)) ?? none;
  const { lifetime } = platform;
  const told = lifetime?.variable === undefined ? undefined : positive(env[lifetime.variable]);
  const seconds = told ?? settingSeconds ?? lifetime?.assumedSeconds;
  const longest = lifetime?.longestSeconds ?? Number.POSITIVE_INFINITY;
  return { name, platform, lifetimeSeconds: seconds === undefined ? undefined : Math.min(seconds, longest) };
}

/**
 * When a connection that was opened at `openedAtMs` is cut by the platform: what the request itself says, where the
 * environment proves a platform that writes this header, else what is known of all connections. Undefined where nothing cuts it.
 */
export function deadlineMs(
  { platform, lifetimeSeconds }: Surroundings,
  headers: IncomingHttpHeaders,
  openedAtMs: number,
): number | undefined {
  const toldMs = toldLifetimeMs(platform, headers);
  if (toldMs !== undefined) return openedAtMs + toldMs;
  return lifetimeSeconds === undefined ? undefined : openedAtMs + lifetimeSeconds * 1000;
}

function toldLifetimeMs({ lifetime }: Platform, headers: IncomingHttpHeaders): number | undefined {
  if (lifetime?.header === undefined) return undefined;
  const value = headers[lifetime.header.name];
  const number = typeof value === "string" ? positive(value) : undefined;
  const toldMs = number === undefined ? undefined : number * lifetime.header.unitMs;
  // More than the platform allows is no time of the platform's.
  return toldMs === undefined || toldMs > lifetime.longestSeconds * 1000 ? undefined : toldMs;
}

/** What the platform's own logs call a request, where only the platform can have said so. */
export function requestId({ platform }: Surroundings, headers: IncomingHttpHeaders): string | undefined {
  const value = platform.requestIdHeader === undefined ? undefined : headers[platform.requestIdHeader];
  return typeof value === "string" ? value.slice(0, 128) : undefined;
}

/** What the platform calls this instance, in its own logs; undefined elsewhere. */
export function platformInstance(env: Environment): string | undefined {
  const { platform } = surroundingsOf(env, undefined);
  return platform.instanceVariable === undefined ? undefined : env[platform.instanceVariable];
}

/** What the platform calls that which is deployed: another name after each deployment. Undefined where it has none. */
export function platformBuild({ platform }: Surroundings, env: Environment): string | undefined {
  return platform.buildVariable === undefined ? undefined : env[platform.buildVariable]?.slice(0, 256);
}

/** What was found, in a line for the log. */
export function describeSurroundings({ platform, lifetimeSeconds }: Surroundings): string {
  const { title, lifetime } = platform;
  if (lifetimeSeconds !== undefined) return `${title}, connections live ${lifetimeSeconds.toLocaleString("en")} s`;
  if (lifetime?.header !== undefined) return `${title}, connections live as long as ${lifetime.header.name} says`;
  return `${title}, connections live as long as this process`;
}

/** What is wrong with a drain of so many seconds on this platform, or undefined. */
export function drainTooLong({ platform }: Surroundings, drainSeconds: number): string | undefined {
  const { title, graceSeconds, stop } = platform;
  if (graceSeconds === undefined || drainSeconds + closingSeconds <= graceSeconds) return undefined;
  return (
    `DRAIN_SECONDS ${drainSeconds} is too long: ${title} ends a process ${graceSeconds} s after ${stop}, and closing takes up to ` +
    `${closingSeconds} s. At most ${graceSeconds - closingSeconds} fit, unless it was told to wait longer.`
  );
}

function isProven({ provenBy }: Platform, env: Environment): boolean {
  if (provenBy === undefined) return false;
  const value = env[provenBy.variable];
  return provenBy.value === undefined ? Boolean(value) : value === provenBy.value;
}

function positive(text: string | undefined): number | undefined {
  const number = text !== undefined && /^\d+(\.\d+)?$/.test(text) ? Number(text) : 0;
  return number > 0 ? number : undefined;
}
