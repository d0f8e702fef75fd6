import { usageError } from "./refusal.ts";

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** Reads `90s`, `15m`, `1h` or `7d`; a number alone is seconds. Throws a Refusal. */
export function parseDurationSeconds(text: string): number {
  const [, number, unit = "s"] = /^(\d+)([smhd])?$/.exec(text.trim()) ?? [];
  const seconds = Number(number) * (unitSeconds[unit] ?? Number.NaN);
  if (seconds > 0) return seconds;
  throw usageError(`Expected a time such as 90s, 15m, 1h or 7d, got ${JSON.stringify(text)}.`);
}
