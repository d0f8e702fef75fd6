import { expect, test } from "vitest";
import { publishedFrame, signalFrame } from "../../../server/src/broadcast/frame.ts";
import { deliverSignals } from "../../../server/src/broadcast/signal-delivery.ts";

const signal = { event: "chat:cursor", dataJson: "{}", from: { user: null, session: null } };
const frameUntil = (untilMs: number) => Buffer.from(signalFrame("lobby", signal, "sender", untilMs));

/** Delivery at the moment 1,000 of Redis' clock. */
function stage(slow: readonly string[] = []) {
  const dropped: [string, number][] = [];
  const deliver = deliverSignals({
    clock: { momentMs: () => 1_000 },
    slowReadersIn: () => slow,
    dropped: (...what) => dropped.push(what),
  });
  return { dropped, deliver: (frame: Buffer) => deliver("lobby", frame) };
}

test("a signal is delivered until its latest moment, and dropped after it", () => {
  const { deliver, dropped } = stage();
  expect(deliver(frameUntil(1_000))).toEqual(frameUntil(1_000));
  expect(dropped).toEqual([]);
  expect(deliver(frameUntil(999))).toBeUndefined();
  expect(dropped).toEqual([["late", 1]]);
});

test("a signal leaves out the readers that are slow, and each of them is counted", () => {
  const { deliver, dropped } = stage(["one", "two"]);
  const delivered = JSON.parse(deliver(frameUntil(1_000))?.toString() ?? "");
  expect(delivered.data.opts.except).toEqual(expect.arrayContaining(["sender", "one", "two"]));
  expect(dropped).toEqual([["slow reader", 2]]);
});

test("messages reach slow readers, however late they are", () => {
  const { deliver, dropped } = stage(["one"]);
  const { beforePrevious, beforeMessages, beforeTail, end } = publishedFrame("lobby");
  const frame = Buffer.from(`${beforePrevious}1-0${beforeMessages}{}${beforeTail}"previous":"1-0","head":"1-1"${end}`);
  expect(deliver(frame)).toBe(frame);
  expect(dropped).toEqual([]);
});
