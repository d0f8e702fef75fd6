import { randomUUID } from "node:crypto";
import type { PulseOrder } from "../broadcast/control-channel.ts";
import type { Subscriptions } from "../broadcast/subscriptions.ts";
import { RequestError } from "../errors.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import { EventLoopDelay } from "../telemetry/event-loop.ts";
import type { InstanceMetrics } from "../telemetry/instance-metrics.ts";
import { KnownInstances } from "./known-instances.ts";
import { type Reading, readMetrics } from "./reading.ts";
import { figuresBetween, type Sample, sampleSchema } from "./sample.ts";
import { Watcher } from "./watcher.ts";

/** How long instances tell samples after they have heard that somebody watches, and how often they hear it. */
const leaseMs = 10_000;
const renewEveryMs = 4_000;
const sampleEveryMs = 1_000;
/** A time shorter than this says nothing about messages a second. */
const shortestMs = 500;
/** A sample is about half of this; what is longer is none. */
const sampleBytes = 1_024;
/** Each is sent all samples, so that many of them would be a load of their own. */
const watchersAtATime = 16;

export interface PulseParts {
  readonly metrics: Pick<InstanceMetrics, "start" | "state" | "counts" | "observations">;
  readonly commands: Pick<SupervisedClient, "run">;
  readonly subscriptions: Pick<Subscriptions, "sSubscribe" | "sUnsubscribe">;
  readonly keyPrefix: string;
  /** Tells every instance, this one first, that somebody watches. */
  readonly tell: (order: PulseOrder) => Promise<void>;
  /** What the logs call this instance, where they call it anything. */
  readonly name: string | number | undefined;
}

/**
 * Samples of all instances, for whoever watches one of them. While somebody watches, every instance tells one small sample a
 * second on a channel that the watched ones hear; the wish for it is a lease, so that it ends with a watcher's instance.
 * Nothing is read, told or heard while nobody watches.
 */
export class Pulse {
  readonly #parts: PulseParts;
  readonly #channel: string;
  readonly #instance = randomUUID();
  readonly #watchers = new Set<Watcher>();
  readonly #others = new KnownInstances();
  readonly #eventLoop = new EventLoopDelay();
  #untilMs = Number.NEGATIVE_INFINITY;
  /** Where the next sample begins; undefined while nobody watches. */
  #before: Reading | undefined;
  #timer: NodeJS.Timeout | undefined;
  #renewal: NodeJS.Timeout | undefined;
  #isTelling = false;

  constructor(parts: PulseParts) {
    this.#parts = parts;
    this.#channel = `${parts.keyPrefix}#pulse`;
  }

  get name(): string {
    return String(this.#parts.name ?? this.#instance.slice(0, 8)).slice(0, 64);
  }

  /** Takes note that samples are wanted, here or elsewhere. */
  readonly hear = ({ pulseForMs }: PulseOrder): void => {
    this.#untilMs = Math.max(this.#untilMs, performance.now() + pulseForMs);
    if (this.#before !== undefined) return;
    this.#parts.metrics.start();
    this.#eventLoop.start();
    this.#before = this.#read();
    this.#sampleLater();
  };

  /** Throws UNAVAILABLE where too many watch already. */
  watch(): Watcher {
    if (this.#watchers.size >= watchersAtATime)
      throw new RequestError("UNAVAILABLE", `${watchersAtATime} others watch this instance: close one of their pages`);
    const watcher = new Watcher();
    this.#watchers.add(watcher);
    if (this.#watchers.size === 1) {
      this.#parts.subscriptions.sSubscribe(this.#channel, (message) => this.#take(message));
      this.#renewal = setInterval(() => this.#renew(), renewEveryMs).unref();
    }
    // Also for one that is not the first: an instance that has just started tells samples from now on.
    this.#renew();
    return watcher;
  }

  leave(watcher: Watcher): void {
    watcher.end();
    if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return;
    clearInterval(this.#renewal);
    this.#parts.subscriptions.sUnsubscribe(this.#channel);
  }

  stop(): void {
    for (const watcher of this.#watchers) this.leave(watcher);
    this.#rest();
  }

  #renew(): void {
    // Where Redis is away, this instance goes on by itself: its samples say so.
    this.#parts.tell({ pulseForMs: leaseMs }).catch(() => undefined);
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#eventLoop.stop();
    this.#before = undefined;
  }

  /** At the whole second, so that the samples of all instances are of the same time. */
  #sampleLater(): void {
    this.#timer = setTimeout(() => this.#sample(), sampleEveryMs - (Date.now() % sampleEveryMs)).unref();
  }

  #sample(): void {
    const before = this.#before;
    if (before === undefined || performance.now() >= this.#untilMs) {
      this.#rest();
      return;
    }
    this.#sampleLater();
    const after = this.#read();
    if (after.elapsedMs - before.elapsedMs < shortestMs) return;
    this.#before = after;
    const sample = this.#sampleBetween(before, after);
    this.#show(sample);
    void this.#tell(sample);
  }

  #sampleBetween(before: Reading, after: Reading): Sample {
    const longest = this.#eventLoop.read().find(({ labels }) => labels.quantile === "1")?.value ?? 0;
    return {
      instance: this.#instance,
      name: this.name,
      atMs: Math.round(Date.now() / sampleEveryMs) * sampleEveryMs,
      ...figuresBetween(before, after),
      eventLoopMs: Math.round(longest * 1000),
    };
  }

  #read(): Reading {
    return readMetrics(this.#parts.metrics, performance.now());
  }

  /** Never throws: a sample that Redis does not take is not told to others. */
  async #tell(sample: Sample): Promise<void> {
    if (this.#isTelling) return;
    this.#isTelling = true;
    try {
      await this.#parts.commands.run((client) => client.sPublish(this.#channel, JSON.stringify(sample)));
    } catch {
      // The next one comes in a second.
    } finally {
      this.#isTelling = false;
    }
  }

  #take(message: Buffer): void {
    const sample = message.length > sampleBytes ? undefined : parsedSample(message);
    // What this instance tells, its watchers know already.
    if (sample === undefined || sample.instance === this.#instance) return;
    if (this.#others.hear(sample.instance, performance.now())) this.#show(sample);
  }

  #show(sample: Sample): void {
    for (const watcher of this.#watchers) {
      if (!watcher.tell(sample)) this.leave(watcher);
    }
  }
}

/** Undefined for what is none, or of another version. */
function parsedSample(message: Buffer): Sample | undefined {
  try {
    return sampleSchema.safeParse(JSON.parse(message.toString())).data;
  } catch {
    return undefined;
  }
}
