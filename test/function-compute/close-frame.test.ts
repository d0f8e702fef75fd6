import fc from "fast-check";
import { expect, test } from "vitest";
import * as ws from "ws";
import { CloseFrameWatch } from "./close-frame.ts";

type Opcode = 1 | 2 | 8 | 9 | 10;

/** One frame as the ws package writes it. */
function frame(opcode: Opcode, payload: Uint8Array, mask: boolean): Buffer {
  const options = { fin: true, rsv1: false, opcode, mask, readOnly: false };
  // Exported by the package, and missing from its types.
  const sender: { frame(data: Buffer, how: typeof options): Buffer[] } = Reflect.get(ws, "Sender");
  return Buffer.concat(sender.frame(Buffer.from(payload), options));
}

const frames = fc.array(
  fc.tuple(
    fc.constantFrom<Opcode>(1, 2, 9, 10),
    // Every way to write a length: 7 bits, 16 bits, 64 bits.
    fc.oneof(fc.nat(130), fc.constantFrom(125, 126, 127, 65_535, 65_536)),
    fc.boolean(),
  ),
  { maxLength: 6 },
);

function seenIn(stream: Buffer, cuts: readonly number[]): boolean {
  const watch = new CloseFrameWatch();
  const offsets = [0, ...cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b), stream.length];
  for (const [index, offset] of offsets.entries()) watch.feed(stream.subarray(offset, offsets[index + 1]));
  return watch.seen;
}

test("a close frame is seen behind any other frames, however the stream is cut into packets", () => {
  fc.assert(
    fc.property(frames, fc.boolean(), fc.array(fc.nat(), { maxLength: 8 }), (before, mask, cuts) => {
      // A reader that loses count takes payloads full of 8s for close frames.
      const stream = before.map(([opcode, length, masked]) => frame(opcode, Buffer.alloc(length, 0x88), masked));
      expect(seenIn(Buffer.concat(stream), cuts)).toBe(false);
      const close = frame(8, Buffer.from([0x03, 0xe8]), mask);
      expect(seenIn(Buffer.concat([...stream, close]), cuts)).toBe(true);
    }),
  );
});
