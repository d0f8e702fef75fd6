import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import * as z from "zod";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import type { Subscriptions } from "./subscriptions.ts";

const order = z.union([
  /** The tokens that a user was issued up to this second are revoked: close the connections that rest on one. */
  z.object({ revoked: z.string(), upToSeconds: z.number() }),
  /** The rights of a user may have changed, in one room or in all: ask again. */
  z.object({ recheck: z.string(), room: z.string().optional() }),
]);

const envelope = z.object({ by: z.string(), order });

/** What one instance tells all instances to do, itself among them. */
export type Order = z.infer<typeof order>;

export interface ControlChannelOptions {
  readonly commands: Pick<SupervisedClient, "run">;
  readonly subscriptions: Pick<Subscriptions, "sSubscribe" | "sUnsubscribe">;
  readonly keyPrefix: string;
  readonly onOrder: (order: Order) => void;
  readonly logger: Pick<Logger, "warn">;
}

/** Tells every instance to act on its own connections. An instance that could not receive an order finds it out later. */
export class ControlChannel {
  readonly #options: ControlChannelOptions;
  readonly #channel: string;
  /** Names this instance, which has acted already on what it tells. */
  readonly #own = randomUUID();

  constructor(options: ControlChannelOptions) {
    this.#options = options;
    this.#channel = `${options.keyPrefix}#control`;
    options.subscriptions.sSubscribe(this.#channel, (message) => this.#take(message));
  }

  /** Acts here at once, and elsewhere as soon as Redis has passed it on. Throws UNAVAILABLE where Redis did not take it. */
  async tell(told: Order): Promise<void> {
    this.#options.onOrder(told);
    const text = JSON.stringify({ by: this.#own, order: told });
    await this.#options.commands.run((client) => client.sPublish(this.#channel, text));
  }

  #take(message: Buffer): void {
    let value: unknown;
    try {
      value = JSON.parse(message.toString());
    } catch {
      value = undefined;
    }
    const parsed = envelope.safeParse(value);
    // A newer server may tell what is not known here.
    if (parsed.success && parsed.data.by !== this.#own) this.#options.onOrder(parsed.data.order);
    if (parsed.success) return;
    this.#options.logger.warn("an order on the control channel is not understood");
  }
}
