import type { clientErrors, serverErrors, WireError } from "./protocol/errors.ts";

type Meanings = typeof serverErrors & typeof clientErrors;

/** Every code that an application can meet: the server's, and those that the client raises by itself. */
export type ErrorCode = keyof Meanings;

/** What an error says. `WireError` is one. */
export interface ErrorDetail<Code extends ErrorCode = ErrorCode> extends Pick<WireError, "retryable" | "retryAfterMs"> {
  readonly code: Code;
  /** Default: the code. */
  readonly message?: string;
  readonly cause?: unknown;
}

/** What refused publishes reject with, and what `error` events carry. PROTOCOL.md says what to do about each code. */
export class HoldfastError extends Error {
  override readonly name = "HoldfastError";
  declare readonly code: ErrorCode;
  /** True when doing the same again, later, can succeed. */
  declare readonly retryable: boolean;
  /** Milliseconds to wait before that, where the server knows. */
  declare readonly retryAfterMs?: number;

  constructor(detail: ErrorDetail, options?: ErrorOptions) {
    super(detail.message ?? detail.code, options);
    Object.assign(this, detail);
  }
}

/** An error that the client raises by itself; its type holds `retryable` to the table of codes. */
export type OwnError<Code extends ErrorCode> = ErrorDetail<Code> & {
  readonly retryable: Meanings[Code]["retryable"];
};

/** The client was closed, or the room was left. */
export const CLOSED: OwnError<"CLOSED"> = {
  code: "CLOSED",
  message: "the room was left, or the client closed: join again",
  retryable: false,
};
/** There was no answer in time, whatever the cause. */
export const TIMED_OUT: OwnError<"TIMED_OUT"> = { code: "TIMED_OUT", retryable: true };
/** Data that cannot be sent; `cause` says why. */
export const notJson = (cause: unknown): OwnError<"INVALID_PAYLOAD"> => ({
  code: "INVALID_PAYLOAD",
  message: `expected JSON: ${cause}`,
  retryable: false,
  cause,
});

const TOKEN_FAILED: OwnError<"TOKEN_FAILED"> = { code: "TOKEN_FAILED", retryable: true };

/** The application has given no token, for this reason. */
export const tokenFailed = (cause: unknown) => new HoldfastError(TOKEN_FAILED, { cause });
