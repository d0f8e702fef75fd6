import * as z from "zod";
import type { Report } from "../report.ts";

// What was measured, as it lies beside the page, so that the page can be written again without measuring.

/** JSON has no NaN: what could not be measured is null there. */
const measured = z
  .number()
  .nullable()
  .transform((value) => value ?? Number.NaN);

const axis = z.object({
  name: z.string(),
  scale: z.literal("log").exactOptional(),
  names: z.array(z.string()).exactOptional(),
});
const point = z.object({ x: z.number(), y: z.number(), label: z.string().exactOptional() });

const plot = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("bars"),
    title: z.string(),
    unit: z.string(),
    parts: z.array(z.string()),
    bars: z.array(z.object({ name: z.string(), values: z.array(measured) })),
  }),
  z.object({
    kind: z.literal("lines"),
    title: z.string(),
    x: axis,
    y: axis,
    lines: z.array(z.object({ name: z.string(), points: z.array(point) })),
  }),
]);

export const reportShape: z.ZodType<Report> = z.object({
  columns: z.array(z.string()),
  against: z.number().exactOptional(),
  figures: z.array(
    z.object({
      name: z.string(),
      unit: z.string(),
      values: z.array(z.number().nullable()),
      isCompared: z.boolean().exactOptional(),
    }),
  ),
  targets: z.array(z.object({ name: z.string(), unit: z.string(), value: measured, atMost: z.number() })),
  failures: z.array(z.string()),
  plots: z.array(plot).exactOptional(),
});

const runShape = z.object({
  bench: z.string(),
  /** What it was told beside its defaults. */
  options: z.record(z.string(), z.number()),
  seconds: z.number(),
  /** The day on which it was measured. */
  date: z.string(),
  report: reportShape.exactOptional(),
  /** Why there is no report. */
  error: z.string().exactOptional(),
});

const resultsShape = z.object({
  machine: z.object({ cpu: z.string(), cores: z.number(), memoryBytes: z.number(), kernel: z.string() }),
  versions: z.record(z.string(), z.string()),
  /** Whether they were measured with `--quick`. */
  isQuick: z.boolean(),
  runs: z.array(runShape),
});

export type Run = z.infer<typeof runShape>;
export type Results = z.infer<typeof resultsShape>;

/** Throws where the text is not what `formatResults` writes. */
export function parseResults(text: string): Results {
  return resultsShape.parse(JSON.parse(text));
}

/** As JSON with a line for each bench, so that a difference shows which of them were measured again. */
export function formatResults({ runs, ...head }: Results): string {
  const lines = runs.map((run) => JSON.stringify(run));
  return `${JSON.stringify(head).slice(0, -1)},"runs":[\n${lines.join(",\n")}\n]}\n`;
}

/** The results in the order of `names`, with those that were measured now in the place of older ones. */
export function merge(older: Results | undefined, now: Results, names: readonly string[]): Results {
  const all = [...now.runs, ...(older?.runs ?? [])];
  const isQuick = now.isQuick || older?.isQuick === true;
  return { ...now, isQuick, runs: names.flatMap((name) => all.find(({ bench }) => bench === name) ?? []) };
}
