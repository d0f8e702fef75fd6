import { expect, test } from "vitest";
import { directPacketReader } from "../../../server/src/broadcast/direct-packet.ts";
import { positionFrame, publishedFrame, signalFrame } from "../../../server/src/broadcast/frame.ts";

const room = "lobby";
const read = directPacketReader(room);

/** What the adapter would make of the frame: the packet's list of arguments. */
function stockArguments(frame: string): unknown {
  return JSON.parse(frame).data.packet.data;
}

/** What a client reads from a WebSocket frame. */
function received(frame: Buffer | undefined): { readonly header: readonly number[]; readonly arguments: unknown } {
  if (frame === undefined) throw new Error("expected a frame");
  const seventh = (frame[1] ?? 0) & 0x7f;
  const [length, at] =
    seventh < 126
      ? [seventh, 2]
      : seventh === 126
        ? [frame.readUInt16BE(2), 4]
        : [Number(frame.readBigUInt64BE(2)), 10];
  expect(frame.length).toBe(at + length);
  const text = frame.toString("utf8", at);
  expect(text.slice(0, 2)).toBe("42");
  return { header: [...frame.subarray(0, 2)], arguments: JSON.parse(text.slice(2)) };
}

function messagesFrame(text: string): string {
  const { beforePrevious, beforeMessages, beforeTail, end } = publishedFrame(room);
  const message = `{"position":"2-1","data":${JSON.stringify({ text })}}`;
  const tail = '"previous":"1-1","lost":"0-1 1-0 0-1","head":"2-1"';
  return `${beforePrevious}1-1${beforeMessages}${message}${beforeTail}${tail}${end}`;
}

// What looks like the end of a frame, and characters of one to four bytes.
const texts = ["", "hello", ']}},"head":"9-9"}', "]}}}", "ä€😀".repeat(30), "x".repeat(200), "x".repeat(70_000)];

for (const text of texts) {
  const title = text.length > 40 ? `${text.slice(0, 10)}… of ${text.length} characters` : JSON.stringify(text);
  test(`a member reads from the bytes of a broadcast what Socket.IO would send: ${title}`, () => {
    const frame = messagesFrame(text);
    const packet = read(Buffer.from(frame));
    expect(received(packet?.frame).arguments).toEqual(stockArguments(frame));
    expect(received(packet?.frame).header[0]).toBe(0x81);
    expect(packet?.exceptSocketId).toBe("");
  });

  test(`a signal is read in the same way, and names the connection that sent it: ${title}`, () => {
    const signal = { event: "typing", dataJson: JSON.stringify({ text }), from: { user: null, session: "s" } };
    const frame = signalFrame(room, signal, "AbCdEfGhIjKlMnOpQrSt", 7);
    const packet = read(Buffer.from(frame));
    expect(received(packet?.frame).arguments).toEqual(stockArguments(frame));
    expect(packet?.exceptSocketId).toBe("AbCdEfGhIjKlMnOpQrSt");
    expect(read(Buffer.from(signalFrame(room, signal, "", 7)))?.exceptSocketId).toBe("");
  });
}

test("a position is read in the same way", () => {
  const { beforePosition, beforeTail, end } = positionFrame(room);
  const frame = `${beforePosition}3-1${beforeTail}"previous":"2-1","head":"3-1"${end}`;
  expect(received(read(Buffer.from(frame))?.frame).arguments).toEqual(stockArguments(frame));
});

test("frames of another server, another room or another form are left to the adapter", () => {
  const frame = messagesFrame("hello");
  const frames = [
    frame.replace('"emitter"', '"another"'),
    frame.replace("{lobby}", "{hall}"),
    frame.replace('"flags":{}', '"flags":{"volatile":true}'),
    frame.replace('"except":[]', '"except":["one","two"]'),
    frame.replace('"except":[]', '"except":["one'),
    frame.slice(0, 60),
    frame.slice(0, -1),
    "",
    "{}",
  ];
  for (const other of frames) expect(read(Buffer.from(other))).toBeUndefined();
});
