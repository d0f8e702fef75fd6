import { Collector } from "./collector.ts";
import { EventLoopDelay } from "./event-loop.ts";
import { type Exposition, expose, type States } from "./exposition.ts";
import type { MetricName, StateName } from "./metrics.ts";
import type { Count, Observations } from "./tally.ts";

export interface InstanceMetricsParts {
  /** The server that the metrics are of; asked when something has happened. */
  readonly serverOf: () => object;
  readonly states: Omit<States, "event_loop_delay_seconds">;
}

/** What one server tells about itself in Prometheus' format. Nothing is counted before `start`, and nothing costs then. */
export class InstanceMetrics {
  readonly #collector: Collector;
  readonly #states: States;
  readonly #eventLoop = new EventLoopDelay();
  #isStarted = false;

  constructor({ serverOf, states }: InstanceMetricsParts) {
    this.#collector = new Collector(serverOf);
    this.#states = { ...states, event_loop_delay_seconds: () => this.#eventLoop.read() };
  }

  /** Counts from now on. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#collector.start();
    this.#eventLoop.start();
  }

  /** Counts no further: what was counted can still be read. */
  stop(): void {
    this.#collector.stop();
    this.#eventLoop.stop();
  }

  /** A state of this moment. */
  state(name: Exclude<StateName, "event_loop_delay_seconds">): number {
    const read = this.#states[name]();
    return typeof read === "number" ? read : read.reduce((sum, { value }) => sum + value, 0);
  }

  /** What was counted so far, for a reader who compares two moments. */
  counts(name: MetricName): readonly Count[] {
    return this.#collector.counts.get(name)?.all() ?? [];
  }

  /** What was observed so far. */
  observations(name: MetricName): readonly Observations[] {
    return this.#collector.distributions.get(name)?.all() ?? [];
  }

  /** Everything, in text. Where nothing was counted so far, counting begins here. */
  read(): Promise<Exposition> {
    this.start();
    return expose(this.#states, this.#collector);
  }
}
