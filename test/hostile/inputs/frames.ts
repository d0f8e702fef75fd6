import * as fc from "fast-check";
import { controlFrame, frame, opcodes, textFrame } from "../../support/raw-frames.ts";
import { seldom } from "./sample.ts";

const payload = fc.oneof(
  fc.uint8Array({ maxLength: 130 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom("", "3", "40", '42["echo",1]', "4").map((text) => Buffer.from(text)),
);

/** Any combination of what a frame's header can say. */
const anyFrame = fc
  .record({
    opcode: fc.oneof(fc.constantFrom(...Object.values(opcodes)), fc.nat(15)),
    payload,
    fin: fc.boolean(),
    reserved: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(7) }),
    masked: fc.nat(9).map((chance) => chance > 0),
  })
  .map(frame);

/** A frame that announces another length than it has. */
const liar = fc
  .tuple(
    fc.constantFrom(opcodes.text, opcodes.binary, opcodes.continuation, opcodes.ping),
    payload,
    fc.constantFrom(
      0n,
      1n,
      125n,
      126n,
      65_535n,
      65_536n,
      1_048_576n,
      1_048_577n,
      2n ** 31n,
      2n ** 53n,
      2n ** 63n,
      2n ** 64n - 1n,
    ),
  )
  .map(([opcode, bytes, announcedBytes]) => frame({ opcode, payload: bytes, announcedBytes }));

/** A close frame with any code and reason, be they allowed or not. */
const close = fc
  .tuple(fc.constantFrom(0, 999, 1000, 1004, 1005, 1006, 1015, 2999, 4999, 65_535), fc.uint8Array({ maxLength: 20 }))
  .map(([code, reason]) => {
    const bytes = Buffer.from([code >> 8, code & 255, ...reason]);
    return frame({ opcode: opcodes.close, payload: reason.length % 7 === 0 ? bytes.subarray(0, 1) : bytes });
  });

const longControl = fc
  .tuple(fc.constantFrom(opcodes.close, opcodes.ping, opcodes.pong), fc.integer({ min: 126, max: 400 }))
  .map(([opcode, length]) => frame({ opcode, payload: Buffer.alloc(length) }));

const notUtf8 = fc
  .constantFrom("ff", "c0af", "eda080", "f4908080", "34ff", "e282")
  .map((hex) => frame({ opcode: opcodes.text, payload: Buffer.from(hex, "hex") }));

const text = fc
  .oneof(fc.string({ unit: "binary", maxLength: 40 }), fc.constantFrom("", "3", "40", "40{}", "41", "9", "4"))
  .map(textFrame);

const garbage = fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes));

/** One message of thousands of frames with a byte each, which may have an end or none. */
const fragments = fc
  .tuple(fc.constantFrom(2, 100, 3_000, 20_000), fc.boolean())
  .map(([count, ends]) =>
    Buffer.concat([
      frame({ opcode: opcodes.text, payload: Buffer.from("4"), fin: false }),
      ...Array<Buffer>(count).fill(frame({ opcode: opcodes.continuation, payload: Buffer.from("x"), fin: false })),
      ...(ends ? [frame({ opcode: opcodes.continuation })] : []),
    ]),
  );

const controlFlood = fc
  .tuple(fc.constantFrom("ping", "pong"), fc.integer({ min: 50, max: 5_000 }))
  .map(([kind, count]) =>
    Buffer.concat(Array<Buffer>(count).fill(controlFrame(kind === "ping" ? "ping" : "pong", "x"))),
  );

/** Bytes on a WebSocket that was just opened. */
export const hostileFrames: fc.Arbitrary<Buffer> = seldom(
  fc.oneof(
    { weight: 5, arbitrary: anyFrame },
    { weight: 2, arbitrary: liar },
    { weight: 1, arbitrary: close },
    { weight: 1, arbitrary: longControl },
    { weight: 1, arbitrary: notUtf8 },
    { weight: 2, arbitrary: text },
    { weight: 2, arbitrary: garbage },
  ),
  fc.oneof(fragments, controlFlood),
);
