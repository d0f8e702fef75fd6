import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { ChannelName } from "./events.ts";
import { type MetricName, metrics } from "./metrics.ts";
import { Counts, Distribution } from "./tally.ts";

type Take = (event: unknown) => void;

/** Counts what is published of one server, from `start` to `stop`, for the metrics whose source are events. */
export class Collector {
  readonly counts = new Map<MetricName, Counts>();
  readonly distributions = new Map<MetricName, Distribution>();
  readonly #subscriptions: readonly { readonly channel: ChannelName; readonly hear: Take }[];

  /** @param serverOf - the server whose events are counted; asked when there is one */
  constructor(serverOf: () => object) {
    const takes = new Map<ChannelName, Take[]>();
    for (const name of Object.keys(metrics) as MetricName[]) {
      const { source } = metrics[name];
      if (source !== "state") takes.set(source, [...(takes.get(source) ?? []), this.#takeFor(name)]);
    }
    this.#subscriptions = [...takes].map(([channel, all]) => ({
      channel,
      hear: (event) => {
        // There may be several servers in the process, and others may publish on our channels, too.
        if ((Object(event) as { readonly server?: unknown }).server !== serverOf()) return;
        for (const take of all) take(event);
      },
    }));
  }

  start(): void {
    for (const { channel, hear } of this.#subscriptions) subscribe(channel, hear);
  }

  stop(): void {
    for (const { channel, hear } of this.#subscriptions) unsubscribe(channel, hear);
  }

  #takeFor(name: MetricName): Take {
    const row = metrics[name];
    if (row.type === "histogram") {
      const distribution = new Distribution(row.labels, row.bounds);
      this.distributions.set(name, distribution);
      return (event) => row.observe(event, (labels, value, times = 1) => distribution.observe(labels, value, times));
    }
    const counts = new Counts(row.labels);
    this.counts.set(name, counts);
    return (event) => {
      const counted = "count" in row ? row.count(event) : undefined;
      if (counted !== undefined) counts.add(counted.labels, counted.by);
    };
  }
}
