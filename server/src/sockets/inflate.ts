import { constants, inflateRawSync } from "node:zlib";
import { flushEnd } from "../broadcast/deflated-frame.ts";
import { TokenBucket } from "../token-bucket.ts";

type Done = (error: Error | null, inflated?: Buffer) => void;

/** The part of `ws`' permessage-deflate that inflates the frames of one connection. */
export interface Inflater {
  decompress(deflated: Buffer, isLast: boolean, done: Done): void;
}

const messageTooBig = 1009;
const invalidPayload = 1007;
const nothing = Buffer.alloc(0);

/**
 * Bytes that the messages of one connection may become in one burst, and per second: about what its requests may be by
 * their tokens. However few bytes they are deflated to, they are parsed as what they become.
 */
const inflatedLimits = { burst: 8 * 1024 * 1024, perSecond: 4 * 1024 * 1024 };

/**
 * Inflates the messages of a connection whole and at once, instead of by a stream that `ws` would keep for each connection
 * that has ever sent a message. Such a message refers to none before it, because `client_no_context_takeover` was
 * negotiated. One that becomes too large is refused while it is inflated, and a connection whose messages become
 * larger than others may send is read more slowly.
 */
export function inflateWhole(
  connection: { close(code: number): void },
  inflater: Inflater,
  maxBytes: number,
  bytes = new TokenBucket(inflatedLimits),
): void {
  let fragments: Buffer[] = [];
  inflater.decompress = (deflated, isLast, done) => {
    fragments.push(deflated);
    // Not before this call is over: each frame would call for the next one within it, as deep as there are frames.
    if (!isLast) return process.nextTick(done, null, nothing);
    const message = Buffer.concat([...fragments, flushEnd]);
    fragments = [];
    const inflated = inflate(message, maxBytes);
    if (typeof inflated === "number") {
      connection.close(inflated);
      return process.nextTick(done, new Error("a message that cannot be inflated"));
    }
    bytes.charge(inflated.length);
    const waitMs = bytes.waitMs(0);
    if (waitMs === 0) process.nextTick(done, null, inflated);
    else setTimeout(done, waitMs, null, inflated);
  };
}

/** The message, or the code with which its connection is closed. */
function inflate(deflated: Buffer, maxBytes: number): Buffer | number {
  try {
    return inflateRawSync(deflated, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: maxBytes });
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? messageTooBig : invalidPayload;
  }
}
