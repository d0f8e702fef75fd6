import type { Problem } from "./history.ts";

const SHOWN_OF_A_KIND = 4;

/** Some problems of each kind, and how many there are of it, for people. */
export function describeProblems(problems: readonly Problem[]): string[] {
  const kinds = new Map<string, string[]>();
  for (const { kind, detail } of problems) kinds.set(kind, [...(kinds.get(kind) ?? []), detail]);
  return [...kinds].flatMap(([kind, details]) => [
    `${kind}, ${details.length}:`,
    ...details.slice(0, SHOWN_OF_A_KIND).map((detail) => `  ${detail}`),
  ]);
}

/** `a 2, b 1`: how often each name comes. */
export function tally(names: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, times]) => `${name} ${times}`).join(", ");
}
