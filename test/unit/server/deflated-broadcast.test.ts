import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { DeflatedBroadcast, type DeflatedReader } from "../../../server/src/broadcast/deflated-broadcast.ts";
import { deflatedFrame } from "../../../server/src/broadcast/deflated-frame.ts";
import type { DirectPacket } from "../../../server/src/broadcast/direct-packet.ts";
import { textFrame } from "../../../server/src/broadcast/text-frame.ts";
import { FrameReader, inflateBehind } from "../../support/frame-reader.ts";

function packetOf(text: string): DirectPacket {
  const { frame, payloadAt } = textFrame(Buffer.byteLength(text));
  frame.write(text, payloadAt);
  return { frame, payloadAt, exceptSocketId: "" };
}

const newReader = (keepsContext = true): DeflatedReader => ({ keepsContext, latest: undefined });

/** A reader's side of the line: what it inflates, frame by frame. */
class Inflating {
  readonly texts: string[] = [];
  readonly #reader = new FrameReader();
  readonly #keepsContext: boolean;
  #window: Buffer = Buffer.alloc(0);

  constructor(keepsContext: boolean) {
    this.#keepsContext = keepsContext;
  }

  take(frame: Buffer): void {
    for (const { isDeflated, payload } of this.#reader.take(frame)) {
      if (!isDeflated) this.texts.push(payload.toString());
      else {
        const { message, window } = inflateBehind(this.#window, payload);
        if (this.#keepsContext) this.#window = window;
        this.texts.push(message.toString());
      }
    }
  }
}

function messageOf(room: string, number: number): string {
  const message = { position: `1764500000000-${number}`, id: randomBytes(12).toString("base64url"), data: { number } };
  return `42${JSON.stringify(["message:published", { room, previous: `1764500000000-${number - 1}`, messages: [message] }])}`;
}

test("a reader that got the broadcast before gets less than half of what a reader gets that has just come", () => {
  const old = newReader();
  const first = new DeflatedBroadcast(packetOf(messageOf("lobby", 1)), undefined);
  const alone = first.write(old);
  const second = new DeflatedBroadcast(packetOf(messageOf("lobby", 2)), first.end);
  expect(second.write(old).length).toBeLessThan(alone.length / 2);
  expect(second.write(newReader()).length).toBeGreaterThan(alone.length / 2);
});

test("all that got the same broadcast before get the same bytes, as do all that have just come", () => {
  const readers = Array.from({ length: 3 }, () => newReader());
  const first = new DeflatedBroadcast(packetOf(messageOf("lobby", 1)), undefined);
  expect(new Set(readers.map((reader) => first.write(reader))).size).toBe(1);
  const second = new DeflatedBroadcast(packetOf(messageOf("lobby", 2)), first.end);
  const written = [...readers, newReader(), newReader()].map((reader) => second.write(reader));
  expect(new Set(written).size).toBe(2);
});

test("what deflating does not make shorter is the plain frame, and nobody's context changes", () => {
  const { frame, payloadAt } = textFrame(300);
  randomBytes(300).copy(frame, payloadAt);
  const before = Buffer.from("the broadcast before");
  const reader = { keepsContext: true, latest: before };
  const broadcast = new DeflatedBroadcast({ frame, payloadAt, exceptSocketId: "" }, before);
  expect(broadcast.write(reader)).toBe(frame);
  expect(reader.latest).toBe(before);
  expect(broadcast.end).toBeUndefined();
});

type Step =
  | { readonly kind: "broadcast"; readonly room: number; readonly waiting: readonly boolean[]; readonly chars: number }
  | { readonly kind: "answer"; readonly reader: number; readonly chars: number }
  | { readonly kind: "flush"; readonly reader: number };

const readers = 4;
const step = fc.oneof(
  fc.record({
    kind: fc.constant("broadcast" as const),
    room: fc.integer({ min: 0, max: 1 }),
    waiting: fc.array(fc.boolean(), { minLength: readers, maxLength: readers }),
    chars: fc.constantFrom(0, 10, 500, 9_000, 40_000),
  }),
  fc.record({
    kind: fc.constant("answer" as const),
    reader: fc.integer({ min: 0, max: readers - 1 }),
    chars: fc.constantFrom(10, 40_000),
  }),
  fc.record({ kind: fc.constant("flush" as const), reader: fc.integer({ min: 0, max: readers - 1 }) }),
);

/** Two rooms with the same readers, the last of which forgets each message; for each of them something may wait. */
class Line {
  readonly #sides = Array.from({ length: readers }, (_, index) => {
    const keepsContext = index < readers - 1;
    return {
      reader: newReader(keepsContext),
      inflating: new Inflating(keepsContext),
      waiting: [] as (() => Buffer)[],
      expected: [] as string[],
    };
  });
  readonly #ends: (Buffer | undefined)[] = [];
  #number = 0;

  play(step: Step): void {
    if (step.kind === "broadcast") this.#broadcast(step.room, step.waiting, step.chars);
    else if (step.kind === "answer") this.#answer(step.reader, step.chars);
    else this.flush(step.reader);
  }

  flush(index: number): void {
    const side = this.#side(index);
    for (const frame of side.waiting.splice(0)) side.inflating.take(frame());
  }

  check(): void {
    for (const [index, { inflating, expected }] of this.#sides.entries()) {
      this.flush(index);
      expect(inflating.texts).toEqual(expected);
    }
  }

  #broadcast(room: number, waits: readonly boolean[], chars: number): void {
    this.#number += 1;
    const text = messageOf(`room-${room}`, this.#number) + randomBytes(chars / 2).toString("hex");
    const broadcast = new DeflatedBroadcast(packetOf(text), this.#ends[room]);
    for (const [index, { reader, inflating, waiting, expected }] of this.#sides.entries()) {
      expected.push(text);
      if (waiting.length === 0 && waits[index] !== true) inflating.take(broadcast.write(reader));
      else {
        const frame = broadcast.queue(reader);
        waiting.push(() => frame);
      }
    }
    if (broadcast.end !== undefined) this.#ends[room] = broadcast.end;
  }

  /** As the WebSocket deflates what it is given: when it is given it. */
  #answer(index: number, chars: number): void {
    const { reader, inflating, waiting, expected } = this.#side(index);
    const text = `43${randomBytes(chars / 2).toString("hex")}`;
    expected.push(text);
    const frame = () => {
      reader.latest = undefined;
      return deflatedFrame(text);
    };
    if (waiting.length === 0) inflating.take(frame());
    else waiting.push(frame);
  }

  #side(index: number) {
    const side = this.#sides[index];
    if (side === undefined) throw new Error(`expected a reader 0 to ${readers - 1}, got ${index}`);
    return side;
  }
}

test("whatever is written in whatever order, each reader inflates what it was sent", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const line = new Line();
      for (const each of steps) line.play(each);
      line.check();
    }),
  );
});
