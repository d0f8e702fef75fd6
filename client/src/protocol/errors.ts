/** What one error code means to a client. */
interface ErrorMeaning {
  /** True when sending the same request again, later, can succeed. */
  readonly retryable: boolean;
  /** One sentence on what the client should do. */
  readonly advice: string;
}

/** Every code that a server answers with. */
export const serverErrors = {
  INVALID_PAYLOAD: {
    retryable: false,
    advice: "Correct the payload: the message names the field and what was expected.",
  },
  UNKNOWN_EVENT: {
    retryable: false,
    advice: "Use an event of the request table or of the contract; an older server may not know it yet.",
  },
  UNSUPPORTED_PROTOCOL: {
    retryable: false,
    advice: "Load the application again to get a client that speaks the server's protocol.",
  },
  UNAUTHENTICATED: { retryable: false, advice: "Obtain a valid token and connect again." },
  TOKEN_EXPIRED: { retryable: true, advice: "Obtain a fresh token and connect again." },
  FORBIDDEN: { retryable: false, advice: "Do without: this user has no right to it." },
  NOT_JOINED: { retryable: false, advice: "Join the room first." },
  ROOM_LIMIT: { retryable: false, advice: "Leave another room of this connection first." },
  RATE_LIMITED: { retryable: true, advice: "Wait for retryAfterMs, then send the same request again." },
  PAYLOAD_TOO_LARGE: { retryable: false, advice: "Send less: the message names the limit." },
  OUT_OF_ORDER: { retryable: true, advice: "Send the publish named in `after` again first, then this one." },
  SERVER_FULL: { retryable: true, advice: "Connect again after a delay; another instance may have room." },
  DRAINING: { retryable: true, advice: "Connect again: this instance is going away." },
  UNAVAILABLE: {
    retryable: true,
    advice: "Send the same request with the same id again after a delay: Redis is away.",
  },
  INTERNAL: { retryable: true, advice: "Send the same request again once; report it when it stays." },
} as const satisfies Record<string, ErrorMeaning>;

/** Every code that the client package raises by itself. */
export const clientErrors = {
  OUTBOX_FULL: { retryable: true, advice: "Wait until earlier publishes are settled, then publish again." },
  TIMED_OUT: {
    retryable: true,
    advice: "The message may or may not be stored: read the room before publishing it again.",
  },
  LOAD_FAILED: {
    retryable: true,
    advice:
      "Nothing: `load` is called again after a delay, or the part of the client that shows members is fetched again; `cause` is the error.",
  },
  TOKEN_FAILED: { retryable: true, advice: "Nothing: `token` is called again after a delay; `cause` is its error." },
  DISCONNECTED: { retryable: true, advice: "Ask again once the client is connected." },
  INVALID_URL: {
    retryable: false,
    advice: "Correct the address: `https://host` or `wss://host`, without a path; the message says more.",
  },
  UNREACHABLE: {
    retryable: true,
    advice: "Check host, port and network: nothing answers at the address. The client goes on trying.",
  },
  UPGRADE_REFUSED: {
    retryable: true,
    advice:
      "Allow the page's origin in `ALLOWED_ORIGINS`, or correct `socket.path`: the address answers, but does not accept the WebSocket. The client goes on trying.",
  },
  OUTBOX_NOT_KEPT: {
    retryable: true,
    advice:
      "Do without: a publish that waits is lost by a reload, as the session storage cannot be used; `cause` is its error.",
  },
  CLOSED: {
    retryable: false,
    advice: "The client or the room was closed: join again. `cause` is the refusal, where one has ended the client.",
  },
} as const satisfies Record<string, ErrorMeaning>;

export type ServerErrorCode = keyof typeof serverErrors;
export type ClientErrorCode = keyof typeof clientErrors;

/** An error as it travels in an acknowledgement, in a refused handshake and in an HTTP answer. */
export interface WireError {
  readonly code: ServerErrorCode;
  /** For a developer's eyes: what was expected, what was found. */
  readonly message: string;
  readonly retryable: boolean;
  /** Present when the server knows how long waiting is worth while. */
  readonly retryAfterMs?: number;
}
