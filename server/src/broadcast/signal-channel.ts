import { OverLimit } from "../errors.ts";
import type { RedisClock } from "../redis/redis-clock.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import { type Signal, signalFrame } from "./frame.ts";

/**
 * Signals that may be on their way to Redis at a time. With an answer in a fraction of a millisecond this is no limit;
 * when Redis stops answering it bounds what waits for it.
 */
const signalsInFlight = 64;

/**
 * How long after it was sent a signal may still be delivered. What comes later, because Redis or an instance stood
 * still, describes the past. After as long a command to Redis counts as unanswered.
 */
const signalWithinMs = 2_000;

export interface SignalChannelOptions {
  readonly redis: Pick<SupervisedClient, "run">;
  readonly clock: Pick<RedisClock, "momentMs">;
  readonly channelOf: (room: string) => string;
}

/** Sends signals to the instances that have members of a room. */
export class SignalChannel {
  readonly #options: SignalChannelOptions;
  #inFlight = 0;

  constructor(options: SignalChannelOptions) {
    this.#options = options;
  }

  /**
   * Publishes a signal with its latest moment, in Redis' time: Redis carries out what it received before it stood still.
   * Throws UNAVAILABLE at once where it could only be late.
   */
  async send(room: string, signal: Signal, exceptSocketId: string): Promise<void> {
    const { redis, clock, channelOf } = this.#options;
    if (this.#inFlight >= signalsInFlight) {
      throw new OverLimit("signals in flight", "UNAVAILABLE", "signals are not getting through");
    }
    const frame = signalFrame(room, signal, exceptSocketId, clock.momentMs(room, signalWithinMs));
    this.#inFlight += 1;
    try {
      await redis.run((client) => client.sPublish(channelOf(room), frame));
    } finally {
      this.#inFlight -= 1;
    }
  }
}

export { signalWithinMs };
