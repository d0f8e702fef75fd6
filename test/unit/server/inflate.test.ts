import { constants, deflateRawSync } from "node:zlib";
import { afterEach, expect, test, vi } from "vitest";
import { type Inflater, inflateWhole } from "../../../server/src/sockets/inflate.ts";
import { TokenBucket } from "../../../server/src/token-bucket.ts";

type Answer = { readonly text: string } | { readonly error: string };

afterEach(() => {
  vi.useRealTimers();
});

function open(options: { readonly maxBytes?: number; readonly bytes?: TokenBucket } = {}) {
  const codes: number[] = [];
  const inflater: Inflater = { decompress: () => undefined };
  const connection = { close: (code: number) => codes.push(code) };
  inflateWhole(connection, inflater, options.maxBytes ?? 1_000, options.bytes);
  const take = (deflated: Buffer, isLast = true) =>
    new Promise<Answer>((resolve) => {
      inflater.decompress(deflated, isLast, (error, inflated) =>
        resolve(error === null ? { text: String(inflated) } : { error: error.message }),
      );
    });
  return { codes, take };
}

function deflated(text: string): Buffer {
  return deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
}

test("a message is inflated, in one frame or in fragments, and the next one without it", async () => {
  const { take } = open();
  expect(await take(deflated("hello"))).toEqual({ text: "hello" });
  const message = deflated("in fragments");
  expect(await take(message.subarray(0, 5), false)).toEqual({ text: "" });
  expect(await take(message.subarray(5))).toEqual({ text: "in fragments" });
  expect(await take(deflated("hello"))).toEqual({ text: "hello" });
  expect(await take(Buffer.from([0x00]))).toEqual({ text: "" });
});

test("a message that ends with a last block, as RFC 7692 allows, is inflated", async () => {
  const { take } = open();
  expect(await take(Buffer.concat([deflateRawSync("hello"), Buffer.from([0x00])]))).toEqual({ text: "hello" });
});

test("a message may be as long as the limit, and closes its connection with 1009 where it is longer", async () => {
  const { codes, take } = open();
  expect(await take(deflated("x".repeat(1_000)))).toEqual({ text: "x".repeat(1_000) });
  expect(codes).toEqual([]);
  expect(await take(deflated("x".repeat(1_001)))).toMatchObject({ error: expect.any(String) });
  expect(codes).toEqual([1009]);
});

test("fragments are inflated as one message, whose limit counts for them together", async () => {
  const { codes, take } = open();
  const bomb = deflated("x".repeat(1_000_000));
  await take(bomb.subarray(0, 100), false);
  expect(await take(bomb.subarray(100))).toMatchObject({ error: expect.any(String) });
  expect(codes).toEqual([1009]);
});

test("what is no deflated message closes its connection with 1007", async () => {
  const { codes, take } = open();
  expect(await take(Buffer.from([0xff, 0xff, 0xff]))).toMatchObject({ error: expect.any(String) });
  expect(codes).toEqual([1007]);
});

test("a connection whose messages become larger than it may send is read more slowly", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "performance"] });
  const { take } = open({ bytes: new TokenBucket({ burst: 1_000, perSecond: 100 }) });
  const answers: Answer[] = [];
  expect(await take(deflated("x".repeat(1_000)))).toMatchObject({ text: expect.any(String) });
  const slow = take(deflated("y".repeat(50))).then((answer) => answers.push(answer));
  await vi.advanceTimersByTimeAsync(499);
  expect(answers).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  await slow;
  expect(answers).toEqual([{ text: "y".repeat(50) }]);
});
