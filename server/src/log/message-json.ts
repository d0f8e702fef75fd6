import type { Message, Position, Sender } from "@holdfast/client/protocol";
import type { Draft } from "./group-commit.ts";

// A message's JSON has its position first, because only the log knows it: append.lua and `messageOf` put
// `{"position":"…",` before the body that `draftOf` writes. No other place writes or reads this format.

/** A message that has no position yet. */
export interface NewMessage {
  readonly id: string;
  readonly event: string;
  /** The JSON of its data, as the contract has checked it. */
  readonly dataJson: string;
  readonly from: Sender;
  readonly sentAtMs: number;
}

/**
 * A message on its way into a log.
 *
 * @param after - the id that must be stored before it
 */
export function draftOf({ id, event, dataJson, from, sentAtMs }: NewMessage, after = ""): Draft {
  const { user, session } = from;
  const start = `"id":${JSON.stringify(id)},"event":${JSON.stringify(event)},"data":${dataJson}`;
  const body = `${start},"from":${JSON.stringify({ user, session })},"sentAtMs":${sentAtMs}}`;
  return { id, after, body, bytes: Buffer.byteLength(body) };
}

/** The message that a log holds at a position. */
export function messageOf(position: Position, body: string): Message {
  return JSON.parse(`{"position":"${position}",${body}`) as Message;
}
