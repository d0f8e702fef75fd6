import { expect, test } from "vitest";
import { readMetrics } from "../../../server/src/pulse/reading.ts";
import { figuresBetween } from "../../../server/src/pulse/sample.ts";
import type { MetricName } from "../../../server/src/telemetry/metrics.ts";
import { metrics } from "../../../server/src/telemetry/metrics.ts";
import { Counts, Distribution } from "../../../server/src/telemetry/tally.ts";

/** Metrics in which a test counts by itself. */
function counted() {
  const counts = new Map<MetricName, Counts>();
  const distributions = new Map<MetricName, Distribution>();
  const states = { connections: 0, redis_commands_up: 1, redis_subscriptions_up: 1 };
  return {
    states,
    add(name: MetricName, labels: Record<string, string>, by: number) {
      const found = counts.get(name) ?? new Counts(metrics[name].labels);
      counts.set(name, found);
      found.add(labels, by);
    },
    observe(name: "append_to_deliver_seconds", value: number, times: number) {
      const found = distributions.get(name) ?? new Distribution(metrics[name].labels, metrics[name].bounds);
      distributions.set(name, found);
      found.observe({}, value, times);
    },
    readAt: (elapsedMs: number) =>
      readMetrics(
        {
          state: (name) => new Map(Object.entries(states)).get(name) ?? 0,
          counts: (name) => counts.get(name)?.all() ?? [],
          observations: (name) => distributions.get(name)?.all() ?? [],
        },
        elapsedMs,
      ),
  };
}

test("a sample says what was counted between two readings, messages by the second", () => {
  const instance = counted();
  instance.add("publishes_total", { outcome: "stored" }, 1_000);
  instance.add("moves_total", { reason: "timeout", outcome: "moved" }, 7);
  const before = instance.readAt(5_000);
  instance.add("publishes_total", { outcome: "stored" }, 30);
  instance.add("publishes_total", { outcome: "duplicate" }, 4);
  instance.add("deliveries_total", {}, 300);
  instance.add("moves_total", { reason: "timeout", outcome: "moved" }, 2);
  instance.add("moves_total", { reason: "drain", outcome: "moved" }, 1);
  instance.add("moves_total", { reason: "token", outcome: "renewed" }, 8);
  instance.add("joins_total", { kind: "first" }, 5);
  instance.add("joins_total", { kind: "resumed" }, 6);
  instance.add("connections_closed_total", { ending: "broken" }, 2);
  instance.add("connections_closed_total", { ending: "silent" }, 1);
  instance.add("connections_closed_total", { ending: "client" }, 9);
  instance.add("refusals_total", { door: "http", code: "FORBIDDEN" }, 1);
  instance.add("refusals_total", { door: "socket", code: "RATE_LIMITED" }, 1);
  instance.states.connections = 12;
  expect(figuresBetween(before, instance.readAt(7_000))).toMatchObject({
    connections: 12,
    isRedisUp: true,
    publishedPerSecond: 15,
    deliveredPerSecond: 150,
    moves: 3,
    resumes: 6,
    gaps: 0,
    cuts: 3,
    refusals: 2,
  });
});

test("latencies are those of the time between the readings alone", () => {
  const instance = counted();
  instance.observe("append_to_deliver_seconds", 4, 1_000);
  const before = instance.readAt(0);
  // Ninety within 1 ms, ten between 25 and 50 ms.
  instance.observe("append_to_deliver_seconds", 0.0005, 90);
  instance.observe("append_to_deliver_seconds", 0.04, 10);
  const { deliverP50Ms, deliverP99Ms } = figuresBetween(before, instance.readAt(1_000));
  expect(deliverP50Ms).toBeCloseTo(0.56, 2);
  expect(deliverP99Ms).toBeCloseTo(47.5, 2);
});

test("what is slower than every bucket counts as the last bound, and what did not happen has no latency", () => {
  const instance = counted();
  const before = instance.readAt(0);
  instance.observe("append_to_deliver_seconds", 60, 1);
  const after = instance.readAt(1_000);
  expect(figuresBetween(before, after)).toMatchObject({ deliverP99Ms: 10_000, appendP99Ms: null });
  expect(figuresBetween(after, instance.readAt(2_000))).toMatchObject({ deliverP99Ms: null });
});

test("Redis is up where it takes commands and subscriptions are heard", () => {
  const instance = counted();
  instance.states.redis_subscriptions_up = 0;
  expect(figuresBetween(instance.readAt(0), instance.readAt(1_000)).isRedisUp).toBe(false);
});
