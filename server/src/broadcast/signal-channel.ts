import { RequestError } from "../errors.ts";
import type { SupervisedClient } from "../redis/supervised-client.ts";
import { roomChannel } from "./names.ts";

/**
 * Signals that may be on their way to Redis at a time. With an answer in a fraction of a millisecond this is no limit;
 * when Redis stops answering it is all that can arrive late, in a burst, once Redis goes on.
 */
const signalsInFlight = 64;

/** Sends signals to the instances that have members of a room. */
export class SignalChannel {
  readonly #link: SupervisedClient;
  readonly #keyPrefix: string;
  #inFlight = 0;

  constructor(link: SupervisedClient, keyPrefix: string) {
    this.#link = link;
    this.#keyPrefix = keyPrefix;
  }

  /** Publishes a ready-made adapter frame. Throws UNAVAILABLE at once where it could only be late. */
  async send(room: string, frame: string): Promise<void> {
    if (this.#inFlight >= signalsInFlight) throw new RequestError("UNAVAILABLE", "signals are not getting through");
    this.#inFlight += 1;
    try {
      await this.#link.run((client) => client.sPublish(roomChannel(this.#keyPrefix, room), frame));
    } finally {
      this.#inFlight -= 1;
    }
  }
}
