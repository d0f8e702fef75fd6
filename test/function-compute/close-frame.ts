/**
 * Watches one direction of a WebSocket connection for its close frame (RFC 6455, section 5.2), without keeping what
 * passes by. A connection that ends with a close frame was closed; one that ends without was cut.
 */
export class CloseFrameWatch {
  #header: number[] = [];
  #skipBytes = 0;
  #seen = false;
  #largestBytes = 0;

  /** True once a close frame has passed. */
  get seen(): boolean {
    return this.#seen;
  }

  /** Of all frames that have begun, the largest payload. */
  get largestBytes(): number {
    return this.#largestBytes;
  }

  feed(chunk: Buffer): void {
    let offset = 0;
    while (offset < chunk.length && !this.#seen) {
      if (this.#skipBytes > 0) {
        const skipped = Math.min(this.#skipBytes, chunk.length - offset);
        this.#skipBytes -= skipped;
        offset += skipped;
        continue;
      }
      this.#header.push(chunk.readUInt8(offset));
      offset += 1;
      const frame = parseFrameHeader(this.#header);
      if (!frame) continue;
      this.#seen = frame.opcode === 8;
      this.#skipBytes = frame.payloadBytes;
      this.#largestBytes = Math.max(this.#largestBytes, frame.payloadBytes);
      this.#header = [];
    }
  }
}

/** The frame's opcode and length once its header is complete, masking key included; null before. */
function parseFrameHeader(header: readonly number[]): { opcode: number; payloadBytes: number } | null {
  const [first, second] = header;
  if (first === undefined || second === undefined) return null;
  const short = second & 0x7f;
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const maskBytes = second & 0x80 ? 4 : 0;
  if (header.length < 2 + lengthBytes + maskBytes) return null;
  const long = header.slice(2, 2 + lengthBytes).reduce((sum, byte) => sum * 256 + byte, 0);
  return { opcode: first & 0x0f, payloadBytes: lengthBytes > 0 ? long : short };
}
