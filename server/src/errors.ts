import { type ServerErrorCode, serverErrors, type WireError } from "@holdfast/client/protocol";

/** A refusal that a client is meant to see. Everything else that is thrown becomes INTERNAL and is logged. */
export class RequestError extends Error {
  readonly code: ServerErrorCode;
  /** How long the client should wait before it tries again, in milliseconds, where that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ServerErrorCode, message: string, retryAfterMs?: number) {
    super(message);
    this.name = "RequestError";
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** The limits that are counted separately when they refuse something, by their names in the metrics. */
export const limitNames = [
  "connections",
  "connections per user",
  "publishes per second",
  "signals per second",
  "requests per second",
  "waiting requests",
  "reads",
  "rooms",
  "data",
  "body",
  "body time",
  "lane",
  "signals in flight",
] as const;
export type LimitName = (typeof limitNames)[number];

/** A refusal because of a limit; `limit` stays on the server, where it is counted. */
export class OverLimit extends RequestError {
  readonly limit: LimitName;

  constructor(limit: LimitName, code: ServerErrorCode, message: string, retryAfterMs?: number) {
    super(code, message, retryAfterMs);
    this.limit = limit;
  }
}

/** The form in which an error travels. The text of an unexpected error stays on the server. */
export function toWireError(error: unknown): WireError {
  if (!(error instanceof RequestError)) {
    return {
      code: "INTERNAL",
      message: "the server failed on this request",
      retryable: serverErrors.INTERNAL.retryable,
    };
  }
  return {
    code: error.code,
    message: error.message,
    retryable: serverErrors[error.code].retryable,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
  };
}
