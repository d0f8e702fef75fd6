import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { deflatedFrame } from "../../../server/src/broadcast/deflated-frame.ts";
import { FrameReader, inflateBehind } from "../../support/frame-reader.ts";

const nothing = Buffer.alloc(0);

function read(frame: Buffer) {
  const frames = new FrameReader().take(frame);
  expect(frames.length).toBe(1);
  return frames[0] ?? { opcode: 0, isDeflated: false, payload: nothing };
}

// Around the sizes at which the header grows, and at which what zlib gives back fills whole chunks of 16 KiB.
const sizes = [0, 1, 2, 125, 126, 127, 1_000, 16_380, 16_384, 16_390, 32_768, 65_530, 65_540, 262_144];

test.each(sizes)("%i bytes that cannot be made smaller are one frame, which inflates to them", (size) => {
  const payload = randomBytes(size);
  const { opcode, isDeflated, payload: deflated } = read(deflatedFrame(payload));
  expect({ opcode, isDeflated }).toEqual({ opcode: 1, isDeflated: true });
  expect(inflateBehind(nothing, deflated).message.equals(payload)).toBe(true);
});

test.each(sizes)("a text of %i characters is one frame, which inflates to it, alone and behind another", (size) => {
  const text = [..."ä€😀 and so on, ".repeat(size / 10 + 1)].slice(0, size).join("");
  expect(inflateBehind(nothing, read(deflatedFrame(text)).payload).message.toString()).toBe(text);
  const before = Buffer.from('42["message:published",{"room":"lobby","and so on": 1');
  const behind = read(deflatedFrame(text, before)).payload;
  expect(inflateBehind(Buffer.concat([randomBytes(9_999), before]), behind).message.toString()).toBe(text);
});
