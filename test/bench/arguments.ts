import { parseArgs } from "node:util";
import type { Bench } from "./bench.ts";
import { benches } from "./benches.ts";
import { UsageError } from "./usage-error.ts";

type TextOptions = Readonly<Record<string, { readonly type: "string" | "boolean" }>>;

/** What a bench was told, in numbers, with its defaults for the rest. */
export function readArguments(bench: Bench, args: string[]): { json: boolean; values: Record<string, number> } {
  const names = Object.keys(bench.options);
  const options = Object.fromEntries(names.map((name) => [name, { type: "string" as const }]));
  const parsed = parse(args, { ...options, json: { type: "boolean" } });
  const values = Object.entries(bench.options).map(([name, { default: usual }]) => {
    const text = parsed[name];
    return [name, typeof text === "string" ? readNumber(name, text) : usual] as const;
  });
  return { json: parsed.json === true, values: Object.fromEntries(values) };
}

function readNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value >= 0) return value;
  throw new UsageError(`--${name}: expected a number, got "${text}"`);
}

/** The options as they were written. Throws a UsageError for one that is not known. */
export function parse(args: string[], options: TextOptions): Readonly<Record<string, unknown>> {
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${usage()}`);
  }
}

export function usage(): string {
  const lines = Object.entries<Bench>(benches).flatMap(([name, { summary, options }]) => [
    `  ${name.padEnd(16)} ${summary}`,
    ...Object.entries(options).map(
      ([option, { meaning, default: usual }]) => `  ${"".padEnd(18)}--${option} (${usual}): ${meaning}`,
    ),
  ]);
  return [
    "npm run bench <name> [-- --json] [-- --option number]",
    "",
    ...lines,
    "",
    "npm run bench report: measures all of them, and writes docs/bench.html and docs/bench.json",
    "",
    `  ${"".padEnd(18)}--quick 1: only tries whether each runs; the figures mean little`,
    `  ${"".padEnd(18)}--only hot-room,jitter: measures these again, and keeps the other results`,
    `  ${"".padEnd(18)}--from docs/bench.json: writes the page of these results, and measures nothing`,
    `  ${"".padEnd(18)}--into docs: the folder`,
  ].join("\n");
}
