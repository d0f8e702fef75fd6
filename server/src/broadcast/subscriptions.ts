import type { Logger } from "pino";
import { RequestError } from "../errors.ts";
import type { ChannelListener } from "../redis/redis-client.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import { type ChannelState, nextStep } from "./channel-state.ts";

interface Subscription {
  /** The adapter's listener, or undefined once it no longer wants the channel. */
  listener: ChannelListener | undefined;
  state: ChannelState;
  /** The command under way for this channel; commands for one channel never overlap. */
  work: Promise<void> | undefined;
}

/** What is asked of the connection on which the channels are subscribed to. */
export type Subscriber = Pick<SupervisedClient, "isUp" | "settled" | "run" | "onUp" | "onLost">;

/** How long after a failure that left the connection up the subscription is tried again. */
const repairDelayMs = 1_000;

/**
 * The subscribing side of the Redis adapter, which calls sSubscribe and sUnsubscribe without awaiting them (29 of 300
 * messages were lost right after a join). Every channel has a wanted and a known state; one command at a time brings the
 * known state to the wanted one, and {@link Subscriptions.confirmed} lets a join wait for the confirmation.
 */
export class Subscriptions {
  readonly #redis: Subscriber;
  readonly #logger: Logger;
  readonly #messageListeners: ((message: Buffer, channel: string) => void)[] = [];
  readonly #restoredListeners: (() => void)[] = [];
  #filter: (message: Buffer, channel: string) => Buffer | undefined = (message) => message;
  readonly #channels = new Map<string, Subscription>();
  #everUp = false;
  #generation = 0;
  #repairTimer: NodeJS.Timeout | undefined;

  constructor(redis: Subscriber, logger: Logger) {
    this.#redis = redis;
    this.#logger = logger;
    redis.onUp(() => this.#subscribeAgain());
    redis.onLost(() => this.#forgetStates());
  }

  /** Calls back with every message, before the adapter gets it. */
  onMessage(listener: (message: Buffer, channel: string) => void): void {
    this.#messageListeners.push(listener);
  }

  /** Decides what the adapter gets of a message: undefined stands for nothing. */
  filter(filter: (message: Buffer, channel: string) => Buffer | undefined): void {
    this.#filter = filter;
  }

  /** Calls back when the adapter's subscriptions are confirmed again after the connection was lost. */
  onRestored(listener: () => void): void {
    this.#restoredListeners.push(listener);
  }

  /** Channels that are wanted, or whose end Redis has not confirmed. */
  get size(): number {
    return this.#channels.size;
  }

  sSubscribe(channel: string, listener: ChannelListener): void {
    const subscription = this.#channels.get(channel) ?? this.#add(channel, "unsubscribed");
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
    await this.#redis.settled();
    // Work first: where the last member has just left, the confirmation is that of the subscription which is ending.
    for (let work = this.#channels.get(channel)?.work; work !== undefined; work = this.#channels.get(channel)?.work)
      await work;
    if (this.#channels.get(channel)?.state !== "subscribed") {
      throw new RequestError("UNAVAILABLE", "the room's channel cannot be subscribed to now");
    }
  }

  /**
   * Subscribes again to a channel that is confirmed and yet lost messages; does nothing for one that is not
   * wanted. Resolves when Redis has confirmed; until then further messages are lost. Throws UNAVAILABLE.
   */
  async resubscribe(channel: string): Promise<void> {
    const subscription = this.#channels.get(channel);
    if (subscription?.listener === undefined) return;
    if (subscription.state === "subscribed") subscription.state = "deaf";
    this.#reconcile(channel, subscription);
    await this.confirmed(channel);
  }

  #add(channel: string, state: ChannelState): Subscription {
    const subscription: Subscription = { listener: undefined, state, work: undefined };
    this.#channels.set(channel, subscription);
    return subscription;
  }

  #reconcile(channel: string, subscription: Subscription): void {
    if (subscription.work !== undefined) return;
    const isWanted = subscription.listener !== undefined;
    const step = nextStep(subscription.state, { isWanted });
    if (step === "forget") this.#channels.delete(channel);
    if (step === "forget" || step === "none" || !this.#redis.isUp) return;
    const generation = this.#generation;
    subscription.work = this.#command(channel, step).then((isDone) => {
      subscription.work = undefined;
      // A confirmation of a connection that is gone says nothing about the one that took its place.
      const isCurrent = generation === this.#generation;
      if (isCurrent && isDone) subscription.state = step === "subscribe" ? "subscribed" : "unsubscribed";
      else subscription.state = "unknown";
      const hasChanged = isWanted !== (subscription.listener !== undefined);
      if (isDone || !isCurrent || hasChanged) this.#reconcile(channel, subscription);
      else this.#repairTimer ??= setTimeout(() => this.#repair(), repairDelayMs).unref();
    });
  }

  /** Subscribes or unsubscribes; false where Redis did not confirm. */
  async #command(channel: string, step: "subscribe" | "unsubscribe"): Promise<boolean> {
    try {
      await this.#redis.run((client) =>
        step === "subscribe" ? client.sSubscribe(channel, this.#receive) : client.sUnsubscribe(channel, this.#receive),
      );
      return true;
    } catch (error) {
      if (this.#redis.isUp) this.#logger.warn({ channel, err: error }, "subscription change failed");
      return false;
    }
  }

  /**
   * What node-redis calls, for every channel: it keeps a set of listeners for each channel, also through outages, and
   * a second function for a channel that was given up and taken again would deliver everything twice.
   */
  readonly #receive: ChannelListener = (message, source) => this.#deliver(source.toString(), message, source);

  #deliver(channel: string, message: Buffer, source: Buffer): void {
    const subscription = this.#channels.get(channel) ?? this.#add(channel, "subscribed");
    const { listener } = subscription;
    // A channel without a listener that Redis still takes for subscribed is ended by its next message at the latest.
    if (listener === undefined) {
      this.#reconcile(channel, subscription);
    } else {
      for (const hear of this.#messageListeners) hear(message, channel);
      const passed = this.#filter(message, channel);
      if (passed !== undefined) listener(passed, source);
    }
  }

  /** Tries again what failed while the connection was up, as in a cluster of which one master is away. */
  #repair(): void {
    this.#repairTimer = undefined;
    const isHeard = [...this.#channels.values()].every(
      ({ listener, state }) => listener === undefined || state === "subscribed",
    );
    for (const [channel, subscription] of this.#channels) this.#reconcile(channel, subscription);
    // Where only the end of a channel had failed, nothing was missed.
    if (!isHeard) void this.#announceRestored();
  }

  /** Of another connection nothing is known: node-redis subscribes by itself to what it takes for wanted. */
  #forgetStates(): void {
    this.#generation += 1;
    for (const subscription of this.#channels.values()) {
      if (subscription.state !== "unsubscribed") subscription.state = "unknown";
    }
  }

  #subscribeAgain(): void {
    this.#forgetStates();
    for (const [channel, subscription] of this.#channels) this.#reconcile(channel, subscription);
    if (this.#everUp) void this.#announceRestored();
    this.#everUp = true;
  }

  async #announceRestored(): Promise<void> {
    const generation = this.#generation;
    await Promise.all([...this.#channels.values()].map((subscription) => subscription.work));
    if (generation !== this.#generation) return;
    for (const listener of this.#restoredListeners) listener();
  }
}
