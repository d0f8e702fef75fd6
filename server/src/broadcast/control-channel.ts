import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import * as z from "zod";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** An instance serves, again in case that it was not heard, or goes away. */
const rolloutOrder = z.union([
  z.object({ serving: z.string(), build: z.string(), startedAtMs: z.number() }),
  z.object({ leaving: z.string() }),
]);

const connectionOrder = z.union([
  /** The tokens that a user was issued up to this second are revoked: close the connections that rest on one. */
  z.object({ revoked: z.string(), upToSeconds: z.number() }),
  /** The rights of a user may have changed, in one room or in all: ask again. */
  z.object({ recheck: z.string(), room: z.string().optional() }),
]);

/** Somebody watches: samples of every instance are wanted for so long. A duration, because clocks differ. */
const pulseOrder = z.object({ pulseForMs: z.number().positive().max(60_000) });

const order = z.union([connectionOrder, rolloutOrder, pulseOrder]);

/** Without an order it only shows that it arrives. */
const envelope = z.object({ by: z.string(), order: order.optional() });

/** How often it is looked at whether anything arrives. */
const checkEveryMs = 15_000;
/** How long what this instance tells may take to come back to it. */
const arrivesWithinMs = 5_000;

/** What one instance tells all instances to do with their connections, itself among them. */
export type ConnectionOrder = z.infer<typeof connectionOrder>;
/** What one instance tells all others of its own life. */
export type RolloutOrder = z.infer<typeof rolloutOrder>;
/** What one instance asks of all instances while somebody watches there. */
export type PulseOrder = z.infer<typeof pulseOrder>;
export type Order = z.infer<typeof order>;

export interface ControlChannelOptions {
  readonly commands: Pick<SupervisedClient, "run">;
  readonly subscriptions: Pick<Subscriptions, "sSubscribe" | "resubscribe">;
  readonly keyPrefix: string;
  readonly onOrder: (order: Order) => void;
  /** Is called when the channel is heard again after it was found deaf: orders may have been missed. */
  readonly onMissed: () => void;
  readonly logger: Pick<Logger, "warn">;
}

/**
 * Tells every instance to act on its own connections. What comes while an instance is not connected, it finds out by itself
 * later. A subscription that Redis confirmed and that hears nothing all the same is found by a probe, and mended: where
 * nothing has arrived for a while, an instance sends one, which all others hear, so that mostly one of them does.
 */
export class ControlChannel {
  readonly #options: ControlChannelOptions;
  readonly #channel: string;
  /** Names this instance, which has acted already on what it tells. */
  readonly #own = randomUUID();
  readonly #timer: NodeJS.Timeout;
  #heardAtMs = performance.now();
  #isChecking = false;

  constructor(options: ControlChannelOptions) {
    this.#options = options;
    this.#channel = `${options.keyPrefix}#control`;
    options.subscriptions.sSubscribe(this.#channel, (message) => this.#take(message));
    this.#timer = setInterval(() => void this.#check(), checkEveryMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Acts here at once, and elsewhere as soon as Redis has passed it on. Throws UNAVAILABLE where Redis did not take it. */
  async tell(told: Order): Promise<void> {
    this.#options.onOrder(told);
    await this.#send(told);
  }

  async #send(told?: Order): Promise<void> {
    const text = JSON.stringify({ by: this.#own, order: told });
    await this.#options.commands.run((client) => client.sPublish(this.#channel, text));
  }

  /** Never throws: what fails here is a Redis that is away, or comes again with the next check. */
  async #check(): Promise<void> {
    if (this.#isChecking || performance.now() - this.#heardAtMs < checkEveryMs) return;
    this.#isChecking = true;
    try {
      const sentAtMs = performance.now();
      await this.#send();
      await new Promise((resolve) => setTimeout(resolve, arrivesWithinMs).unref());
      if (this.#heardAtMs >= sentAtMs) return;
      this.#options.logger.warn("the control channel heard nothing: subscribing again");
      await this.#options.subscriptions.resubscribe(this.#channel);
      this.#options.onMissed();
    } catch {
      // Redis is away. When it is back, all is subscribed to again, and what was missed is looked up.
    } finally {
      this.#isChecking = false;
    }
  }

  #take(message: Buffer): void {
    this.#heardAtMs = performance.now();
    let value: unknown;
    try {
      value = JSON.parse(message.toString());
    } catch {
      value = undefined;
    }
    const parsed = envelope.safeParse(value);
    if (!parsed.success) {
      // A newer server may tell what is not known here.
      this.#options.logger.warn("an order on the control channel is not understood");
    } else if (parsed.data.order !== undefined && parsed.data.by !== this.#own) {
      this.#options.onOrder(parsed.data.order);
    }
  }
}
