import type { Sample } from "../sample.ts";

/** The fields of a sample that are drawn. */
export type Field = Exclude<
  { [Name in keyof Sample]: Sample[Name] extends number | null ? Name : never }[keyof Sample],
  "atMs"
>;

/** What one plot shows, and how the instances' values become one. */
export interface Figure {
  readonly field: Field;
  readonly title: string;
  /** What the number is, in a few words. */
  readonly explains: string;
  readonly unit: "" | "/s" | "ms";
  /** Latencies of several instances have no sum: of all together, the worst is shown. */
  readonly together: "sum" | "worst";
  /** The median that belongs to a 99th percentile. */
  readonly median?: Field;
  /** The plot is at least so high, so that noise does not look like a mountain. */
  readonly atLeast: number;
  /** Whether it matters how many there were in the whole time that is shown. */
  readonly isEvent?: true;
  /** Whether each one is bad news. */
  readonly isAlarm?: true;
}

export const figures: readonly Figure[] = [
  { field: "connections", title: "Connections", explains: "open now", unit: "", together: "sum", atLeast: 4 },
  {
    field: "publishedPerSecond",
    title: "Published",
    explains: "messages stored",
    unit: "/s",
    together: "sum",
    atLeast: 4,
  },
  {
    field: "deliveredPerSecond",
    title: "Delivered",
    explains: "messages to each connection",
    unit: "/s",
    together: "sum",
    atLeast: 4,
  },
  {
    field: "deliverP99Ms",
    title: "Append to delivery",
    explains: "p99, worst instance",
    unit: "ms",
    together: "worst",
    median: "deliverP50Ms",
    atLeast: 5,
  },
  {
    field: "moves",
    title: "Moves",
    explains: "to another connection, in time",
    unit: "/s",
    together: "sum",
    atLeast: 4,
    isEvent: true,
  },
  {
    field: "cuts",
    title: "Cuts",
    explains: "connections that broke or fell silent",
    unit: "/s",
    together: "sum",
    atLeast: 4,
    isEvent: true,
  },
  {
    field: "resumes",
    title: "Resumes",
    explains: "joins from a position on",
    unit: "/s",
    together: "sum",
    atLeast: 4,
    isEvent: true,
  },
  {
    field: "gaps",
    title: "Gaps",
    explains: "clients told of a possible loss",
    unit: "/s",
    together: "sum",
    atLeast: 4,
    isEvent: true,
    isAlarm: true,
  },
  {
    field: "appendP99Ms",
    title: "Publish to append",
    explains: "p99, worst instance",
    unit: "ms",
    together: "worst",
    median: "appendP50Ms",
    atLeast: 5,
  },
  {
    field: "redisP99Ms",
    title: "Redis",
    explains: "p99 of commands, worst instance",
    unit: "ms",
    together: "worst",
    atLeast: 5,
  },
  {
    field: "eventLoopMs",
    title: "Event loop",
    explains: "longest delay, worst instance",
    unit: "ms",
    together: "worst",
    atLeast: 20,
  },
  {
    field: "refusals",
    title: "Refusals",
    explains: "errors that clients got",
    unit: "/s",
    together: "sum",
    atLeast: 4,
    isEvent: true,
  },
];

/** The values of all instances as one; null where none has a value. */
export function together(values: readonly (number | null | undefined)[], rule: Figure["together"]): number | null {
  const known = values.filter((value) => value !== null && value !== undefined);
  if (known.length === 0) return null;
  return rule === "sum" ? known.reduce((sum, value) => sum + value, 0) : Math.max(...known);
}

/** As it is read on the page: three digits say enough. */
export function format(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  if (value >= 10_000) return `${(value / 1_000).toFixed(value >= 100_000 ? 0 : 1)}k`;
  if (value >= 100 || Number.isInteger(value)) return Math.round(value).toLocaleString("en");
  return value.toFixed(value >= 10 ? 1 : 2).replace(/\.?0+$/, "");
}
