import type { Logger } from "pino";
import { RequestError } from "../errors.ts";
import type { RedisLink } from "./link.ts";
import type { RedisClient } from "./redis-client.ts";

type Listener = (message: Buffer, channel: Buffer) => void;

interface Subscription {
  /** The adapter's listener, or undefined once it no longer wants the channel. */
  listener: Listener | undefined;
  /** Whether the current connection is subscribed, as Redis confirmed. */
  confirmed: boolean;
  /** The command under way for this channel; commands for one channel never overlap. */
  work: Promise<void> | undefined;
}

export interface SubscriptionsOptions {
  readonly link: RedisLink;
  readonly logger: Logger;
  /** Sees every message before the adapter does. */
  readonly onMessage: (message: Buffer, channel: string) => void;
}

/** How long after a failure that left the link up the subscription is tried again. */
const repairDelayMs = 1_000;

/**
 * The subscribing side of the Redis adapter, which calls sSubscribe and sUnsubscribe without awaiting them (29 of 300
 * messages were lost right after a join). Here every channel has a wanted and a confirmed state that are brought
 * together by one command at a time, and {@link Subscriptions.confirmed} lets a join wait for the confirmation.
 */
export class Subscriptions {
  /** Called when the subscriptions of the adapter are confirmed again after the link was lost. */
  onRestored: (() => void) | undefined;

  readonly #options: SubscriptionsOptions;
  readonly #channels = new Map<string, Subscription>();
  #everUp = false;
  #generation = 0;
  #repairTimer: NodeJS.Timeout | undefined;

  constructor(options: SubscriptionsOptions) {
    this.#options = options;
    options.link.onUp(() => this.#subscribeAgain());
    options.link.onLost(() => this.#forgetConfirmations());
  }

  /** Channels that the adapter wants at this moment. */
  get size(): number {
    return this.#channels.size;
  }

  sSubscribe(channel: string, listener: Listener): void {
    const subscription = this.#channels.get(channel) ?? this.#add(channel, { confirmed: false });
    subscription.listener = listener;
    this.#reconcile(channel, subscription);
  }

  sUnsubscribe(channels: string | readonly string[]): void {
    for (const channel of typeof channels === "string" ? [channels] : channels) {
      const subscription = this.#channels.get(channel);
      if (subscription === undefined) continue;
      subscription.listener = undefined;
      this.#reconcile(channel, subscription);
    }
  }

  /** Resolves when Redis has confirmed the subscription. Throws UNAVAILABLE where it cannot be had now. */
  async confirmed(channel: string): Promise<void> {
    await this.#options.link.settled();
    const subscription = this.#channels.get(channel);
    // Work first: where the last member has just left, the confirmation is that of the subscription which is ending.
    while (subscription?.work !== undefined) await subscription.work;
    if (!subscription?.confirmed) {
      throw new RequestError("UNAVAILABLE", "the room's channel cannot be subscribed to now");
    }
  }

  /** Tries again what failed while the link was up, as in a cluster of which one master is away. */
  #repair(): void {
    this.#repairTimer = undefined;
    for (const [channel, subscription] of this.#channels) this.#reconcile(channel, subscription);
    void this.#announceRestored();
  }

  #add(channel: string, { confirmed }: { confirmed: boolean }): Subscription {
    const subscription: Subscription = { listener: undefined, confirmed, work: undefined };
    this.#channels.set(channel, subscription);
    return subscription;
  }

  #reconcile(channel: string, subscription: Subscription): void {
    if (subscription.work !== undefined) return;
    const wanted = subscription.listener !== undefined;
    if (wanted === subscription.confirmed || !this.#options.link.isUp) {
      if (!wanted && !subscription.confirmed) this.#channels.delete(channel);
      return;
    }
    const generation = this.#generation;
    subscription.work = this.#command(channel, { wanted }).then((done) => {
      subscription.work = undefined;
      // A confirmation of a connection that is gone says nothing about the one that took its place.
      if (done && generation === this.#generation) subscription.confirmed = wanted;
      if (done || generation !== this.#generation) this.#reconcile(channel, subscription);
      else this.#repairTimer ??= setTimeout(() => this.#repair(), repairDelayMs).unref();
    });
  }

  /** Subscribes or unsubscribes; false where Redis did not confirm. */
  async #command(channel: string, { wanted }: { wanted: boolean }): Promise<boolean> {
    try {
      await this.#options.link.run((client: RedisClient) =>
        wanted ? client.sSubscribe(channel, this.#receive) : client.sUnsubscribe(channel, this.#receive),
      );
      return true;
    } catch (error) {
      if (this.#options.link.isUp) this.#options.logger.warn({ channel, err: error }, "subscription change failed");
      return false;
    }
  }

  /**
   * What node-redis calls, for every channel: it keeps a set of listeners for each channel, also through outages, and
   * a second function for a channel that was given up and taken again would deliver everything twice.
   */
  readonly #receive: Listener = (message, source) => this.#deliver(source.toString(), message, source);

  #deliver(channel: string, message: Buffer, source: Buffer): void {
    const subscription = this.#channels.get(channel) ?? this.#add(channel, { confirmed: true });
    const { listener } = subscription;
    // An unsubscription that failed leaves a channel that nobody wants; its next message ends it.
    if (listener === undefined) {
      this.#reconcile(channel, subscription);
    } else {
      this.#options.onMessage(message, channel);
      listener(message, source);
    }
  }

  #forgetConfirmations(): void {
    this.#generation += 1;
    for (const subscription of this.#channels.values()) subscription.confirmed = false;
  }

  #subscribeAgain(): void {
    this.#forgetConfirmations();
    for (const [channel, subscription] of this.#channels) this.#reconcile(channel, subscription);
    if (this.#everUp) void this.#announceRestored();
    this.#everUp = true;
  }

  async #announceRestored(): Promise<void> {
    const generation = this.#generation;
    await Promise.all([...this.#channels.values()].map((subscription) => subscription.work));
    if (generation === this.#generation) this.onRestored?.();
  }
}
