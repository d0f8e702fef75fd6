import { deflatedFrame } from "./deflated-frame.ts";
import type { DirectPacket } from "./direct-packet.ts";

/**
 * How much of a broadcast the next one may refer to. Most of what two of them have in common is the names of fields, and
 * what is kept for each room is memory.
 */
const keptBytes = 8 * 1024;

/** What the server knows of the inflater of one reader that takes deflated frames. */
export interface DeflatedReader {
  /** False where the reader forgets each message as soon as it is inflated. */
  readonly keepsContext: boolean;
  /**
   * The end of the last deflated message that was written to it, where that was a broadcast with nothing waiting before
   * it: the same object for everybody who got that broadcast. Whoever writes any other deflated frame sets it to undefined.
   */
  latest: Buffer | undefined;
}

/**
 * A broadcast, deflated at most twice for all its receivers: behind the room's broadcast before it, which nearly all of
 * them got last, and alone, for those who got something else in between or have just come. JSON of 1 KB becomes shorter by
 * another fifth in the first form, because the names of its fields are known already; shorter packets gain more.
 */
export class DeflatedBroadcast {
  readonly #packet: DirectPacket;
  readonly #before: Buffer | undefined;
  #continuing: Buffer | undefined;
  #alone: Buffer | undefined;
  #end: Buffer | undefined;

  /** @param before - the `end` of the room's deflated broadcast before this one */
  constructor(packet: DirectPacket, before: Buffer | undefined) {
    this.#packet = packet;
    this.#before = before;
  }

  /** What the next one can refer to; undefined where it was written deflated to nobody. */
  get end(): Buffer | undefined {
    return this.#end;
  }

  /** The frame for a reader to which it is written now. It is the plain one where that is no longer. */
  write(reader: DeflatedReader): Buffer {
    if (!reader.keepsContext) return this.#frameAlone();
    const frame =
      reader.latest !== undefined && reader.latest === this.#before
        ? this.#frameBehind(reader.latest)
        : this.#frameAlone();
    if (frame === this.#packet.frame) return frame;
    this.#end ??= Buffer.from(this.#payload.subarray(-keptBytes));
    reader.latest = this.#end;
    return frame;
  }

  /** The frame for a reader to which it is written later, behind what waits for it: nobody knows what that will be. */
  queue(reader: DeflatedReader): Buffer {
    reader.latest = undefined;
    return this.#frameAlone();
  }

  #frameAlone(): Buffer {
    this.#alone ??= this.#shorter(deflatedFrame(this.#payload));
    return this.#alone;
  }

  #frameBehind(before: Buffer): Buffer {
    this.#continuing ??= this.#shorter(deflatedFrame(this.#payload, before));
    return this.#continuing;
  }

  get #payload(): Buffer {
    return this.#packet.frame.subarray(this.#packet.payloadAt);
  }

  #shorter(deflated: Buffer): Buffer {
    return deflated.length < this.#packet.frame.length ? deflated : this.#packet.frame;
  }
}
