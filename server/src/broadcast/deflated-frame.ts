import { constants, deflateRawSync, type ZlibOptions } from "node:zlib";
import { textFrame } from "./text-frame.ts";

/** Of zlib's levels 1 to 9. Those above save little of a packet of JSON, and take longer for a page of history. */
const level = 3;

/** What a flush ends with, and a frame leaves out: an empty block. https://www.rfc-editor.org/rfc/rfc7692#section-7.2.1 */
export const flushEnd = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/**
 * An unmasked WebSocket text frame with a deflated payload.
 *
 * @param before - with what the last deflated message ended that the reader got; without it any reader can read the frame
 */
export function deflatedFrame(payload: string | Buffer, before?: Buffer): Buffer {
  const deflated = deflateRawSync(payload, {
    level,
    ...memoryFor(Buffer.byteLength(payload), before?.length ?? 0),
    finishFlush: constants.Z_SYNC_FLUSH,
    ...(before === undefined ? {} : { dictionary: before }),
  });
  const bytes = deflated.length - flushEnd.length;
  const { frame, payloadAt } = textFrame(bytes, true);
  deflated.copy(frame, payloadAt, 0, bytes);
  return frame;
}

const windowBits = { least: 9, most: constants.Z_DEFAULT_WINDOWBITS };
const mostChunkBytes = constants.Z_DEFAULT_CHUNK;

/**
 * As much memory as a packet needs. zlib's default is 256 KiB: for a packet of 1 KB it takes longer to obtain and to
 * clear that than to deflate.
 */
function memoryFor(bytes: number, bytesBefore: number): ZlibOptions {
  const bits = Math.ceil(Math.log2(bytes + bytesBefore + 1));
  const window = Math.min(windowBits.most, Math.max(windowBits.least, bits));
  return {
    windowBits: window,
    memLevel: Math.min(constants.Z_DEFAULT_MEMLEVEL, window - 6),
    // One chunk holds what a payload becomes where it cannot be made smaller.
    chunkSize: Math.min(mostChunkBytes, bytes + 64),
  };
}
