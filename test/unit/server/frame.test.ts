import { expect, test } from "vitest";
import {
  chainLinkOf,
  publishedFrame,
  signalFrame,
  signalUntilMs,
  withExceptions,
} from "../../../server/src/broadcast/frame.ts";

function framed(messages: readonly string[], tail: string): string {
  const frame = publishedFrame("lobby");
  return `${frame.beforePrevious}1-0${frame.beforeMessages}${messages.join(",")}${frame.beforeTail}${tail}${frame.end}`;
}

const longest = "999999999999999-999999999999999";

test.each([
  ["0-0", "1700000000000-0"],
  ["1700000000000-0", "1700000000000-1"],
  [longest, longest],
])("the link from %s to %s is read from a frame's end", (previous, head) => {
  const plain = framed(['{"position":"1-1"}'], `"previous":"${previous}","head":"${head}"`);
  expect(chainLinkOf(Buffer.from(plain))).toEqual({ previous, head });
  const lost = `${previous} ${head} ${previous} ${head}`;
  const lossy = framed(['{"position":"1-1"}'], `"previous":"${previous}","lost":"${lost}","head":"${head}"`);
  expect(chainLinkOf(Buffer.from(lossy))).toEqual({ previous, head, lost: [previous, head] });
});

test("the frame of a batch tells when it was appended", () => {
  const batch = framed(['{"position":"1-1"}'], '"at":1700000000123,"previous":"1-0","lost":"0-0 1-0 0-9","head":"1-1"');
  expect(chainLinkOf(Buffer.from(batch))).toEqual({
    atMs: 1_700_000_000_123,
    previous: "1-0",
    head: "1-1",
    lost: ["0-9"],
  });
});

test("the frame of an older server tells its head alone", () => {
  expect(chainLinkOf(Buffer.from(framed([], '"head":"1-2"')))).toEqual({ head: "1-2" });
});

test("a published frame is JSON, whatever the messages hold", () => {
  const message = { position: "1-1", data: { text: 'a "head":"9-9"} in quotes, ü and \u{1f600}' } };
  const text = framed([JSON.stringify(message), JSON.stringify(message)], '"previous":"1-0","head":"1-2"');
  expect(JSON.parse(text)).toMatchObject({
    previous: "1-0",
    head: "1-2",
    data: { packet: { data: ["message:published", { room: "lobby", previous: "1-0", messages: [message, message] }] } },
  });
});

test("text of a user at a frame's end is not taken for its link", () => {
  const text = JSON.stringify({ text: 'x","previous":"9-8","head":"9-9"}' });
  const signal = { event: "chat:typing", dataJson: text, from: { user: null, session: null } };
  expect(chainLinkOf(Buffer.from(signalFrame("lobby", signal, "socket", 1)))).toBeUndefined();
  const frame = framed([`{"data":${text}}`], '"previous":"1-1","head":"1-2"');
  expect(chainLinkOf(Buffer.from(frame))).toEqual({ previous: "1-1", head: "1-2" });
});

test.each(["", "{}", '"head":"1-1"', '{"head":"x-1"}', "\u0000\u0001"])("%j has no link", (text) => {
  expect(chainLinkOf(Buffer.from(text))).toBeUndefined();
});

test("a signal's frame leaves its sender out", () => {
  const from = { user: "ann", session: null };
  const signal = { event: "chat:typing", dataJson: '{"x":1}', from };
  expect(JSON.parse(signalFrame("lobby", signal, "sender-socket", 1))).toMatchObject({
    uid: "emitter",
    data: {
      opts: { rooms: ["{lobby}"], except: ["sender-socket"], flags: {} },
      packet: { data: ["signal:sent", { room: "lobby", event: "chat:typing", data: { x: 1 }, from }] },
    },
  });
});

const cursor = { event: "chat:cursor", dataJson: '{"text":"\\"except\\":["}', from: { user: null, session: null } };

test("the latest moment of a signal is read from its frame's end, and other frames have none", () => {
  expect(signalUntilMs(Buffer.from(signalFrame("lobby", cursor, "", 1_795_298_633_809)))).toBe(1_795_298_633_809);
  const forged = framed([JSON.stringify({ data: ',"until":9}' })], '"previous":"1-0","head":"1-1"');
  expect(signalUntilMs(Buffer.from(forged))).toBeUndefined();
  for (const text of ["", "{}", '"until":1}', ',"until":x}']) expect(signalUntilMs(Buffer.from(text))).toBeUndefined();
});

test.each(["", "sender-socket"])("a frame that leaves %j out can leave others out as well", (sender) => {
  const frame = Buffer.from(signalFrame("lobby", cursor, sender, 7));
  const { data, ...rest } = JSON.parse(frame.toString());
  const except = [...(sender === "" ? [] : [sender]), "slow-one", "slow-two"];
  const without = JSON.parse(withExceptions(frame, ["slow-one", "slow-two"]).toString());
  expect([...without.data.opts.except].sort()).toEqual(except.sort());
  expect(without).toEqual({ ...rest, data: { ...data, opts: { ...data.opts, except: expect.any(Array) } } });
});
