import * as z from "zod";
import type { Observed, Reading } from "./reading.ts";

const figure = z.number().nonnegative();
/** Null where nothing was measured in the time of a sample. */
const latencyMs = figure.nullable();

/** What one instance tells of the last second, as it goes through Redis and to the page. */
export const sampleSchema = z.object({
  instance: z.string().max(64),
  /** What its logs call it. */
  name: z.string().max(64),
  /** By the instance's clock, to the whole second. */
  atMs: z.number(),
  connections: figure,
  rooms: figure,
  members: figure,
  publishedPerSecond: figure,
  deliveredPerSecond: figure,
  appendP50Ms: latencyMs,
  appendP99Ms: latencyMs,
  deliverP50Ms: latencyMs,
  deliverP99Ms: latencyMs,
  moves: figure,
  resumes: figure,
  gaps: figure,
  cuts: figure,
  refusals: figure,
  isRedisUp: z.boolean(),
  redisP99Ms: latencyMs,
  eventLoopMs: figure,
});

export type Sample = z.infer<typeof sampleSchema>;
/** What a sample says of the time between two readings. */
export type Figures = Omit<Sample, "instance" | "name" | "atMs" | "eventLoopMs">;

export function figuresBetween(before: Reading, after: Reading): Figures {
  const seconds = (after.elapsedMs - before.elapsedMs) / 1000;
  const grown = (name: keyof Reading["totals"]) => after.totals[name] - before.totals[name];
  const perSecond = (name: keyof Reading["totals"]) => rounded(grown(name) / seconds);
  const quantileMs = (name: "appended" | "deliveredAfter" | "redis", quantile: number) => {
    const found = quantileBetween(before[name], after[name], quantile);
    return found === null ? null : rounded(found * 1000);
  };
  return {
    ...after.states,
    publishedPerSecond: perSecond("published"),
    deliveredPerSecond: perSecond("delivered"),
    appendP50Ms: quantileMs("appended", 0.5),
    appendP99Ms: quantileMs("appended", 0.99),
    deliverP50Ms: quantileMs("deliveredAfter", 0.5),
    deliverP99Ms: quantileMs("deliveredAfter", 0.99),
    moves: grown("moves"),
    resumes: grown("resumes"),
    gaps: grown("gaps"),
    cuts: grown("cuts"),
    refusals: grown("refusals"),
    redisP99Ms: quantileMs("redis", 0.99),
  };
}

/**
 * A quantile of what was observed between two moments, as Prometheus takes it from buckets: within the bucket that it
 * falls into, values count as evenly spread. What is above the last bound counts as that bound.
 */
function quantileBetween(before: Observed, after: Observed, quantile: number): number | null {
  const count = after.count - before.count;
  if (count === 0) return null;
  const rank = quantile * count;
  const atMost = after.atMost.map((total, bucket) => total - (before.atMost[bucket] ?? 0));
  const bucket = atMost.findIndex((total) => total >= rank);
  const upper = after.bounds[bucket];
  if (upper === undefined) return after.bounds.at(-1) ?? null;
  const [lower, below] = [after.bounds[bucket - 1] ?? 0, atMost[bucket - 1] ?? 0];
  return lower + ((upper - lower) * (rank - below)) / ((atMost[bucket] ?? 0) - below);
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
