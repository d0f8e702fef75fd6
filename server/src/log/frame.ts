import type { Position } from "@holdfast/client/protocol";
import { adapterRoom } from "../redis/keys.ts";

/**
 * The frame that append.lua puts around a batch, so that what it publishes is read by the stock Redis adapter as a
 * broadcast: the JSON of a message of type 3 (BROADCAST) from uid `emitter`, as the sharded adapter of
 * @socket.io/redis-adapter 8.3 parses it. The adapter ignores the field `head`, which tells an instance the newest
 * position without parsing the messages.
 */
export interface BroadcastFrame {
  readonly beforeMessages: string;
  readonly beforeHead: string;
  readonly end: string;
}

export function publishedFrame(room: string): BroadcastFrame {
  return {
    beforeMessages: `${broadcastStart(room, "")}"message:published",{"room":"${room}","messages":[`,
    beforeHead: ']}]}},"head":"',
    end: '"}',
  };
}

/**
 * A broadcast of one signal to a room, except to the connection that sent it. It is not marked volatile: Socket.IO
 * would drop it for every receiver that got another packet in the same tick. Slow readers are cut instead.
 */
export function signalFrame(room: string, exceptSocketId: string, payloadJson: string): string {
  return `${broadcastStart(room, `"${exceptSocketId}"`)}"signal:sent",${payloadJson}]}}}`;
}

function broadcastStart(room: string, except: string): string {
  const options = `{"rooms":["${adapterRoom(room)}"],"except":[${except}],"flags":{}}`;
  return `{"uid":"emitter","nsp":"/","type":3,"data":{"opts":${options},"packet":{"type":2,"data":[`;
}

/** Longest end of a frame that can hold the newest position: two numbers of 15 digits and the JSON around them. */
const longestHeadBytes = 48;
const headPattern = /"head":"(\d+-\d+)"\}$/;

/** The newest position in a published frame, read from its last bytes; undefined in every other message. */
export function headOfFrame(frame: Buffer): Position | undefined {
  const end = frame.toString("latin1", Math.max(0, frame.length - longestHeadBytes));
  return headPattern.exec(end)?.[1] as Position | undefined;
}
