import type { Bars, Lines, Point } from "./plot.ts";
import type { Figure } from "./report.ts";
import { type Counts, percentileOf } from "./rig/histogram.ts";

/** A bar for each column, made of the values that some figures have there. */
export function bars(title: string, columns: readonly string[], figures: readonly Figure[]): Bars {
  return {
    kind: "bars",
    title,
    unit: figures[0]?.unit ?? "",
    parts: figures.map(({ name }) => name),
    bars: columns.map((name, column) => ({ name, values: figures.map(({ values }) => values[column] ?? 0) })),
  };
}

const shares = { half: 0.5, "9 of 10": 0.9, "99 of 100": 0.99, "999 of 1,000": 0.999, all: 1 } as const;

/** For each of several counts, below which value which share of it lies. */
export function percentiles(title: string, unit: string, lines: Readonly<Record<string, Counts>>): Lines {
  return {
    kind: "lines",
    title,
    x: { name: "of so many", names: Object.keys(shares) },
    y: { name: unit, scale: "log" },
    lines: Object.entries(lines).map(([name, counts]) => ({
      name,
      points: known(Object.values(shares).map((share, x) => ({ x, y: percentileOf(counts, share) }))),
    })),
  };
}

/** How many things happened in each span of time; moments in milliseconds. */
export function timeLine(
  title: string,
  spanMs: number,
  what: string,
  lines: Readonly<Record<string, readonly number[]>>,
): Lines {
  const spanOf = (momentMs: number) => Math.floor(momentMs / spanMs);
  const longest = Object.values(lines).reduce((most, momentsMs) => Math.max(most, lastOf(momentsMs)), 0);
  return {
    kind: "lines",
    title,
    x: { name: "seconds" },
    y: { name: `${what} in ${spanMs} ms` },
    lines: Object.entries(lines).map(([name, momentsMs]) => {
      const counts = Array.from({ length: spanOf(longest) + 1 }, () => 0);
      for (const momentMs of momentsMs) counts[spanOf(momentMs)] = (counts[spanOf(momentMs)] ?? 0) + 1;
      return { name, points: counts.map((y, span) => ({ x: (span * spanMs) / 1000, y })) };
    }),
  };
}

const lastOf = (momentsMs: readonly number[]) => momentsMs.reduce((last, momentMs) => Math.max(last, momentMs), 0);

/** Those points that have a value. */
export function known(points: readonly Point[]): readonly Point[] {
  return points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
}
