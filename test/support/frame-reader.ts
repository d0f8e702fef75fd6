import { constants, inflateRawSync } from "node:zlib";

/** One frame that a server sent, without a mask. */
export interface ReadFrame {
  readonly opcode: number;
  /** RSV1: the payload is deflated. */
  readonly isDeflated: boolean;
  /** A part of the bytes that came. */
  readonly payload: Buffer;
}

/** Cuts the bytes of a connection into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** The frames that are whole now. */
  take(bytes: Buffer): ReadFrame[] {
    const frames: ReadFrame[] = [];
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    for (let end = endOfFrame(rest); end !== undefined; end = endOfFrame(rest)) {
      const [first = 0] = rest;
      frames.push({
        opcode: first & 15,
        isDeflated: (first & 0x40) !== 0,
        payload: rest.subarray(end.payloadAt, end.at),
      });
      rest = rest.subarray(end.at);
    }
    this.#rest = rest;
    return frames;
  }
}

/** Where the first frame of what came ends; undefined where it is not whole yet. */
function endOfFrame(bytes: Buffer): { readonly payloadAt: number; readonly at: number } | undefined {
  const second = bytes[1];
  if (second === undefined) return undefined;
  const short = second & 127;
  const payloadAt = short < 126 ? 2 : short === 126 ? 4 : 10;
  if (bytes.length < payloadAt) return undefined;
  const length = short < 126 ? short : short === 126 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  const at = payloadAt + length;
  return bytes.length < at ? undefined : { payloadAt, at };
}

const longestWindowBytes = 32 * 1024;
const flushEnd = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/** A message, inflated behind those before it, and what the next one is inflated behind. */
export function inflateBehind(window: Buffer, payload: Buffer): { readonly message: Buffer; readonly window: Buffer } {
  const message = inflateRawSync(Buffer.concat([payload, flushEnd]), {
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(window.length === 0 ? {} : { dictionary: window }),
  });
  return { message, window: Buffer.concat([window, message]).subarray(-longestWindowBytes) };
}
