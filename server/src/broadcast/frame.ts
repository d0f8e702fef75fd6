import type { Position, Sender } from "@holdfast/client/protocol";
import { adapterRoom } from "./names.ts";

/**
 * The frame that append.lua puts around a batch, so that what it publishes is read by the stock Redis adapter as a
 * broadcast: the JSON of a message of type 3 (BROADCAST) from uid `emitter`, as the sharded adapter of
 * @socket.io/redis-adapter 8.3 parses it. After the packet stands a tail that the adapter ignores.
 */
export interface PublishedFrame {
  readonly beforePrevious: string;
  readonly beforeMessages: string;
  readonly beforeTail: string;
  readonly end: string;
}

export function publishedFrame(room: string): PublishedFrame {
  return {
    beforePrevious: `${broadcastStart(room, "")}"message:published",{"room":${JSON.stringify(room)},"previous":"`,
    beforeMessages: '","messages":[',
    beforeTail: "]}]}},",
    end: "}",
  };
}

/** The frame that check.lua puts around the newest position of a room, where it found that the log lost something. */
export interface PositionFrame {
  readonly beforePosition: string;
  readonly beforeTail: string;
  readonly end: string;
}

export function positionFrame(room: string): PositionFrame {
  return {
    beforePosition: `${broadcastStart(room, "")}"room:position",{"room":${JSON.stringify(room)},"position":"`,
    beforeTail: '"}]}},',
    end: "}",
  };
}

/**
 * A broadcast of one signal to a room, except to the connection that sent it. It is not marked volatile: Socket.IO
 * would drop it for every receiver that got another packet in the same tick. Slow readers are left out instead.
 *
 * @param untilMs - the latest moment at which it may be delivered, in Redis' time
 */
export function signalFrame(
  room: string,
  { event, dataJson, from }: Signal,
  exceptSocketId: string,
  untilMs: number,
): string {
  const { user, session } = from;
  const start = `{"room":${JSON.stringify(room)},"event":${JSON.stringify(event)},"data":${dataJson}`;
  const sender = JSON.stringify({ user, session });
  return `${broadcastStart(room, exceptSocketId)}"signal:sent",${start},"from":${sender}}]}},"until":${untilMs}}`;
}

/** Longest tail of a signal. */
const longestUntilBytes = 32;

/** The latest moment of a signal, read from its frame's last bytes; undefined for every other message. */
export function signalUntilMs(frame: Buffer): number | undefined {
  const end = frame.toString("latin1", Math.max(0, frame.length - longestUntilBytes));
  const untilMs = /,"until":(\d+)\}$/.exec(end)?.[1];
  return untilMs === undefined ? undefined : Number(untilMs);
}

const exceptStart = Buffer.from('"except":[');

/** The same broadcast, not to these sockets either. */
export function withExceptions(frame: Buffer, socketIds: readonly string[]): Buffer {
  // The first one: no room's name contains a quotation mark.
  const at = frame.indexOf(exceptStart) + exceptStart.length;
  const isFirst = frame[at] === closingBracket;
  const ids = socketIds.map((id) => JSON.stringify(id)).join(",");
  return Buffer.concat([frame.subarray(0, at), Buffer.from(isFirst ? ids : `${ids},`), frame.subarray(at)]);
}

/** The socket that a signal is not for; "" for none. */
export function exceptedIn(frame: Buffer): string {
  const at = frame.indexOf(exceptStart) + exceptStart.length;
  return frame[at] === closingBracket ? "" : frame.toString("latin1", at + 1, frame.indexOf('"', at + 1));
}

const closingBracket = "]".charCodeAt(0);

/** What is sent to the members of a room and not kept. */
export interface Signal {
  readonly event: string;
  /** The JSON of its data, as the contract has checked it. */
  readonly dataJson: string;
  readonly from: Sender;
}

function broadcastStart(room: string, exceptSocketId: string): string {
  const except = exceptSocketId === "" ? "" : JSON.stringify(exceptSocketId);
  const options = `{"rooms":[${JSON.stringify(adapterRoom(room))}],"except":[${except}],"flags":{}}`;
  return `{"uid":"emitter","nsp":"/","type":3,"data":{"opts":${options},"packet":{"type":2,"data":[`;
}

/** What the end of a broadcast contains about the chain of the room's log. */
export interface ChainLink {
  /** The position before the broadcast; absent in what older servers send. */
  readonly previous?: Position;
  /** The newest position in it. */
  readonly head: Position;
  /** When it was appended, by Redis' clock; absent in what is no batch of messages, and in what older servers send. */
  readonly atMs?: number;
  /** Positions that the log turned out to lack on this occasion, and has reported as lost. */
  readonly lost?: readonly Position[];
}

/** Longest tail that is read: about fifteen positions of two numbers of 15 digits each, and the JSON around them. */
const longestTailBytes = 640;
const tailPattern =
  /(?:(?:"at":(\d+),)?"previous":"(\d+-\d+)",(?:"lost":"\d+-\d+ \d+-\d+ ([\d -]+)",)?)?"head":"(\d+-\d+)"\}$/;

/** Where a broadcast of the log stands in the chain, read from its last bytes; undefined for every other message. */
export function chainLinkOf(frame: Buffer): ChainLink | undefined {
  const end = frame.toString("latin1", Math.max(0, frame.length - longestTailBytes));
  const [, at, previous, lost, head] = tailPattern.exec(end) ?? [];
  if (head === undefined) return undefined;
  return {
    head: head as Position,
    ...(previous === undefined ? {} : { previous: previous as Position }),
    ...(at === undefined ? {} : { atMs: Number(at) }),
    ...(lost === undefined ? {} : { lost: lost.split(" ") as Position[] }),
  };
}
