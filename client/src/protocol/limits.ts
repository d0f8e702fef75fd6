/**
 * Every limit that both sides must agree on, with its unit in its name. The server enforces them; the client
 * keeps to them, so that a well-behaved application never meets the server's refusal.
 */
export const limits = {
  /** Version of the wire protocol. A server refuses a handshake that names another one. */
  protocolVersion: 1,
  /** Longest room name, in characters. */
  roomNameChars: 128,
  /** Rooms that one connection may be in at a time. */
  roomsPerConnection: 100,
  /** Largest `data` of one message or signal, as UTF-8 JSON. */
  dataBytes: 65_536,
  /** Largest packet that the server reads. A larger one cannot be answered: the connection is closed. */
  packetBytes: 1024 * 1024,
  /** Messages in one answer, be it a join or a page of history. */
  pageMessages: 500,
  /** Bytes of messages in one answer; at least one message is always in it. */
  pageBytes: 512 * 1024,
  /** Members in one page, about; a room of a few hundred may come whole. */
  pageMembers: 200,
  /** Largest state of a member, as UTF-8 JSON. */
  stateBytes: 2_048,
  /** Updates of its state that one connection makes in a room each second; of more the last one counts. */
  stateUpdatesPerSecond: 5,
  /** Largest answer to a request of the application's own, as UTF-8 JSON. */
  answerBytes: 512 * 1024,
  /** Messages that one append, and so one `message:published`, may carry. */
  batchMessages: 256,
  /** Bytes of messages that one append may carry; a single larger message goes alone. */
  batchBytes: 256 * 1024,
  /** How long a client waits for an acknowledgement before it takes the request for unanswered. */
  acknowledgementTimeoutMs: 10_000,
  /** How long a client retries a publish. Must stay below the server's `PUBLISH_DEDUP_SECONDS`. */
  publishRetryMs: 90_000,
} as const;
