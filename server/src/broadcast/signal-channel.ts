import { OverLimit } from "../errors.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";

/**
 * Signals that may be on their way to Redis at a time. With an answer in a fraction of a millisecond this is no limit;
 * when Redis stops answering it is all that can arrive late, in a burst, once Redis goes on.
 */
const signalsInFlight = 64;

/** Sends signals to the instances that have members of a room. */
export class SignalChannel {
  readonly #redis: Pick<SupervisedClient, "run">;
  readonly #channelOf: (room: string) => string;
  #inFlight = 0;

  constructor(redis: Pick<SupervisedClient, "run">, channelOf: (room: string) => string) {
    this.#redis = redis;
    this.#channelOf = channelOf;
  }

  /** Publishes a ready-made adapter frame. Throws UNAVAILABLE at once where it could only be late. */
  async send(room: string, frame: string): Promise<void> {
    if (this.#inFlight >= signalsInFlight) {
      throw new OverLimit("signals in flight", "UNAVAILABLE", "signals are not getting through");
    }
    this.#inFlight += 1;
    try {
      await this.#redis.run((client) => client.sPublish(this.#channelOf(room), frame));
    } finally {
      this.#inFlight -= 1;
    }
  }
}
