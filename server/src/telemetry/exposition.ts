import type { Collector } from "./collector.ts";
import { type MetricName, metrics, type StateName } from "./metrics.ts";
import type { Count, Labels } from "./tally.ts";

/** Reads the metrics that are states; a missing one does not compile. */
export type States = { readonly [Name in StateName]: () => number | readonly Count[] };

export interface Exposition {
  readonly body: string;
  readonly contentType: string;
}

interface Sample {
  readonly labels: Labels | { readonly le: string };
  readonly value: number;
  /** Where it differs from the metric's name. */
  readonly metricName?: string;
}

/** Everything in Prometheus' text format: a row for each combination of labels, also for what has not happened yet. */
export async function expose(states: States, collector: Collector): Promise<Exposition> {
  // Loaded when it is asked for: it would take a tenth of the time to start, and most instances are never asked.
  const { AggregatorRegistry } = await import("prom-client");
  const all = (Object.keys(metrics) as MetricName[]).map((name) => {
    const { help, type } = metrics[name];
    const fullName = `holdfast_${name}`;
    return { name: fullName, help, type, aggregator: "first", values: samplesOf(name, fullName, states, collector) };
  });
  const registry = AggregatorRegistry.aggregate<"text/plain; version=0.0.4; charset=utf-8">([all]);
  return { body: await registry.metrics(), contentType: registry.contentType };
}

function samplesOf(name: MetricName, fullName: string, states: States, collector: Collector): readonly Sample[] {
  if (isState(name)) {
    const read = states[name]();
    return typeof read === "number" ? [{ labels: {}, value: read }] : read;
  }
  const row = metrics[name];
  if (row.type !== "histogram") return collector.counts.get(name)?.all() ?? [];
  return (collector.distributions.get(name)?.all() ?? []).flatMap(({ labels, atMost, count, sum }) => [
    ...row.bounds.map((bound, bucket) => ({
      metricName: `${fullName}_bucket`,
      labels: { ...labels, le: String(bound) },
      value: atMost[bucket] ?? 0,
    })),
    { metricName: `${fullName}_bucket`, labels: { ...labels, le: "+Inf" }, value: count },
    { metricName: `${fullName}_sum`, labels, value: sum },
    { metricName: `${fullName}_count`, labels, value: count },
  ]);
}

function isState(name: MetricName): name is StateName {
  return metrics[name].source === "state";
}
