import { expect, test } from "vitest";
import { headOfFrame, publishedFrame, signalFrame } from "../../../server/src/log/frame.ts";

function framed(messages: readonly string[], head: string): string {
  const frame = publishedFrame("lobby");
  return `${frame.beforeMessages}${messages.join(",")}${frame.beforeHead}${head}${frame.end}`;
}

test.each(["0-0", "1700000000000-0", "999999999999999-999999999999999"])(
  "the head %s is read from a frame's end",
  (head) => {
    expect(headOfFrame(Buffer.from(framed(['{"position":"1-1"}'], head)))).toBe(head);
  },
);

test("a published frame is JSON, whatever the messages hold", () => {
  const message = { position: "1-1", data: { text: 'a "head":"9-9"} in quotes, ü and \u{1f600}' } };
  const text = framed([JSON.stringify(message), JSON.stringify(message)], "1-2");
  expect(JSON.parse(text)).toMatchObject({
    head: "1-2",
    data: { packet: { data: ["message:published", { room: "lobby", messages: [message, message] }] } },
  });
});

test("text of a user at a frame's end is not taken for its head", () => {
  const text = JSON.stringify({ text: 'x","head":"9-9"}' });
  expect(headOfFrame(Buffer.from(signalFrame("lobby", "socket", text)))).toBeUndefined();
  expect(headOfFrame(Buffer.from(framed([`{"data":${text}}`], "1-2")))).toBe("1-2");
});

test.each(["", "{}", '"head":"1-1"', '{"head":"x-1"}', "\u0000\u0001"])("%j has no head", (text) => {
  expect(headOfFrame(Buffer.from(text))).toBeUndefined();
});

test("a signal's frame leaves its sender out", () => {
  expect(JSON.parse(signalFrame("lobby", "sender-socket", '{"room":"lobby"}'))).toMatchObject({
    uid: "emitter",
    data: {
      opts: { rooms: ["{lobby}"], except: ["sender-socket"], flags: {} },
      packet: { data: ["signal:sent", { room: "lobby" }] },
    },
  });
});
