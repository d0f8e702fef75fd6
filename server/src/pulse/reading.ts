import type { InstanceMetrics } from "../telemetry/instance-metrics.ts";
import { type MetricName, metrics as table } from "../telemetry/metrics.ts";
import type { Labels } from "../telemetry/tally.ts";

/** How often something was observed: at most as large as each of the bounds, in seconds, and at all. */
export interface Observed {
  readonly bounds: readonly number[];
  readonly atMost: readonly number[];
  readonly count: number;
}

/** What an instance has counted up to a moment, and its states then. */
export interface Reading {
  /** By a clock that is never set. */
  readonly elapsedMs: number;
  readonly states: {
    readonly connections: number;
    readonly rooms: number;
    readonly members: number;
    readonly isRedisUp: boolean;
  };
  readonly totals: {
    readonly published: number;
    readonly delivered: number;
    readonly moves: number;
    readonly resumes: number;
    readonly gaps: number;
    readonly cuts: number;
    readonly refusals: number;
  };
  readonly appended: Observed;
  readonly deliveredAfter: Observed;
  readonly redis: Observed;
}

type LatencyName = "publish_to_append_seconds" | "append_to_deliver_seconds" | "redis_command_seconds";
type Metrics = Pick<InstanceMetrics, "state" | "counts" | "observations">;

/** Reads the metrics; nothing is counted here a second time. */
export function readMetrics(metrics: Metrics, elapsedMs: number): Reading {
  const total = (name: MetricName, isCounted: (labels: Labels) => boolean = () => true) =>
    metrics.counts(name).reduce((sum, { labels, value }) => (isCounted(labels) ? sum + value : sum), 0);
  const observed = (name: LatencyName): Observed => {
    const { bounds } = table[name];
    const all = metrics.observations(name);
    return {
      bounds,
      atMost: bounds.map((_, bucket) => all.reduce((sum, { atMost }) => sum + (atMost[bucket] ?? 0), 0)),
      count: all.reduce((sum, { count }) => sum + count, 0),
    };
  };
  return {
    elapsedMs,
    states: {
      connections: metrics.state("connections"),
      rooms: metrics.state("rooms"),
      members: metrics.state("members"),
      isRedisUp: metrics.state("redis_commands_up") === 1 && metrics.state("redis_subscriptions_up") === 1,
    },
    totals: {
      published: total("publishes_total", ({ outcome }) => outcome === "stored"),
      delivered: total("deliveries_total"),
      moves: total("moves_total", ({ outcome }) => outcome === "moved"),
      resumes: total("joins_total", ({ kind }) => kind === "resumed"),
      gaps: total("gaps_total"),
      cuts: total("connections_closed_total", ({ ending }) => ending === "broken" || ending === "silent"),
      refusals: total("refusals_total"),
    },
    appended: observed("publish_to_append_seconds"),
    deliveredAfter: observed("append_to_deliver_seconds"),
    redis: observed("redis_command_seconds"),
  };
}
