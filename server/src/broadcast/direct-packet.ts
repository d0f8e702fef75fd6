import { adapterRoom } from "./names.ts";
import { textFrame } from "./text-frame.ts";

/** A broadcast to a room, as it goes to the WebSockets of its members. */
export interface DirectPacket {
  /** One unmasked WebSocket text frame with an Engine.IO message that is a Socket.IO event. */
  readonly frame: Buffer;
  /** Where the message begins in it, behind the header. */
  readonly payloadAt: number;
  /** The connection that does not get it, as the sender of a signal; "" for none. */
  readonly exceptSocketId: string;
}

/** Reads the broadcasts of one room; undefined for every frame that the adapter has to read. */
export type ReadDirectPacket = (frame: Buffer) => DirectPacket | undefined;

/** Engine.IO's "message" and Socket.IO's "event", which stand before the list of an event's arguments. */
const packetStart = "42";
/** What ends a frame, with and without a tail: see frame.ts. Nothing in a tail looks like that. */
const endWithTail = "}},";
const endWithoutTail = "}}}";
const quote = 0x22;
const closingBracket = 0x5d;
const closingBrace = 0x7d;

/**
 * A frame that this package's log or signals have published contains the JSON of its packet as the members get it, so it
 * needs neither to be parsed nor to be encoded again: its bytes are put behind the header of a WebSocket frame. Other
 * frames, such as those of a server of an earlier version, go the adapter's way.
 */
export function directPacketReader(room: string): ReadDirectPacket {
  const name = JSON.stringify(adapterRoom(room));
  const beforeExcept = Buffer.from(`{"uid":"emitter","nsp":"/","type":3,"data":{"opts":{"rooms":[${name}],"except":[`);
  const afterExcept = Buffer.from('],"flags":{}},"packet":{"type":2,"data":');
  return (frame) => {
    if (!hasAt(frame, beforeExcept, 0)) return undefined;
    let at = beforeExcept.length;
    let exceptSocketId = "";
    if (frame[at] === quote) {
      const end = frame.indexOf(quote, at + 1);
      exceptSocketId = frame.toString("latin1", at + 1, end);
      at = end + 1;
    }
    if (!hasAt(frame, afterExcept, at)) return undefined;
    const end = packetEnd(frame);
    if (end === -1) return undefined;
    return { ...webSocketFrame(frame, at + afterExcept.length, end), exceptSocketId };
  };
}

/** Where the packet's list of arguments ends. */
function packetEnd(frame: Buffer): number {
  if (frame[frame.length - 1] !== closingBrace) return -1;
  const hasTail = frame[frame.length - 2] !== closingBrace;
  const end = hasTail ? frame.lastIndexOf(endWithTail) : frame.length - endWithoutTail.length;
  return frame[end - 1] === closingBracket ? end : -1;
}

function hasAt(frame: Buffer, expected: Buffer, at: number): boolean {
  return (
    frame.length > at + expected.length && frame.compare(expected, 0, expected.length, at, at + expected.length) === 0
  );
}

function webSocketFrame(source: Buffer, start: number, end: number): ReturnType<typeof textFrame> {
  const { frame, payloadAt } = textFrame(packetStart.length + end - start);
  frame.write(packetStart, payloadAt, "latin1");
  source.copy(frame, payloadAt + packetStart.length, start, end);
  return { frame, payloadAt };
}
