import { Collector } from "./collector.ts";
import { EventLoopDelay } from "./event-loop.ts";
import { type Exposition, expose, type States } from "./exposition.ts";

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

  /** Everything, in text. Where nothing was counted so far, counting begins here. */
  read(): Promise<Exposition> {
    this.start();
    return expose(this.#states, this.#collector);
  }
}
