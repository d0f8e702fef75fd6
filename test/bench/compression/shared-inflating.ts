import { inflateBehind, type ReadFrame } from "../../support/frame-reader.ts";
import { readStamps } from "../rig/stamp.ts";

/** A message's publisher, number and moment. */
export type Stamp = readonly [publisher: number, number: number, sentAtMs: number];

interface Read {
  readonly payload: Buffer;
  readonly stamps: readonly Stamp[];
  readonly next: Inflated;
}

/**
 * What a member has inflated so far, and what members in the same state have read next: hundreds of members in a
 * process get the same bytes, which are compared for each of them and inflated once.
 */
export class Inflated {
  readonly #window: Buffer;
  readonly #read: Read[] = [];

  constructor(window: Buffer = Buffer.alloc(0)) {
    this.#window = window;
  }

  /** The messages of a frame, and the state behind it. Throws where the frame cannot be inflated in this state, or to what is no event. */
  read({ isDeflated, payload }: ReadFrame): Read {
    const known = this.#read.find((each) => each.payload.equals(payload));
    if (known !== undefined) return known;
    const { message, window } = isDeflated
      ? inflateBehind(this.#window, payload)
      : { message: payload, window: this.#window };
    // An event's arguments behind two digits: what was inflated behind something else would not be JSON.
    JSON.parse(message.toString("utf8", 2));
    const stamps: Stamp[] = [];
    readStamps(message.toString("latin1"), (...stamp) => stamps.push(stamp));
    const read = { payload: Buffer.from(payload), stamps, next: new Inflated(window) };
    this.#read.push(read);
    return read;
  }
}
