import { ErrorReply } from "redis";
import { RequestError } from "../errors.ts";
import type { CommandFailure } from "../telemetry/events.ts";
import { Unanswered } from "./within-time.ts";

/** Redis answered, but cannot run this command now: it is full, without replicas or disk, busy, or failing over. */
const temporary = /^(OOM|READONLY|LOADING|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|NOREPLICAS|MISCONF) /;

/** The server has become a replica, or has not loaded its data: it will serve no write, and perhaps never again. */
const wrongServer = /^(READONLY|MASTERDOWN|LOADING) /;

/**
 * True where an answer shows that a connection leads to a server that is no master (any more). What else Redis refuses
 * (`NOREPLICAS`, `MISCONF`, `OOM` …) is a failure of that command alone, and reading goes on.
 */
export function isWrongServer(error: unknown): error is ErrorReply {
  return error instanceof ErrorReply && wrongServer.test(error.message);
}

/** What is reported to the caller of a command that failed: UNAVAILABLE, unless the command itself is at fault. */
export function toRequestError(error: unknown): unknown {
  if (!(error instanceof ErrorReply)) return unreachable(error);
  if (temporary.test(error.message))
    return new RequestError("UNAVAILABLE", `the message store refused: ${error.message}`);
  return error;
}

/** Why a command failed, as the metrics divide it. */
export function failureOf(error: unknown): CommandFailure {
  if (error instanceof Unanswered) return "unanswered";
  return error instanceof ErrorReply ? "refused" : "away";
}

export function unreachable(cause?: unknown): RequestError {
  const error = new RequestError("UNAVAILABLE", "the message store cannot be reached");
  if (cause !== undefined) error.cause = cause;
  return error;
}

export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
