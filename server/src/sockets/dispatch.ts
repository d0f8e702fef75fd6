import type { Acknowledgement } from "@holdfast/client/protocol";
import type { Logger } from "../application/logger.ts";
import { OverLimit, RequestError, toWireError } from "../errors.ts";
import type { Caller } from "../requests/caller.ts";
import type { Requests } from "../requests/carry-out.ts";
import { costOf, isPageRead } from "../requests/table.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { TokenBucket } from "../token-bucket.ts";
import { incomingBytes } from "./incoming-bytes.ts";
import type { Outgoing } from "./outgoing.ts";
import type { ReadTokens } from "./read-tokens.ts";
import type { ReaderPace } from "./reader-pace.ts";

export interface DispatchOptions {
  readonly requests: Requests;
  readonly caller: Caller;
  readonly limiter: TokenBucket;
  /** What pays for a request that may be answered with a page of the log. */
  readonly readTokens: Pick<ReadTokens, "take" | "charge">;
  readonly pace: Pick<ReaderPace, "note">;
  readonly outgoing: Pick<Outgoing, "measure">;
  readonly telemetry: Pick<Telemetry, "refused">;
  readonly logger: Pick<Logger, "error">;
}

/**
 * Bytes that cost one token of the connection's limit. Those of a request come on top of its cost; from those of an answer
 * what the request has cost is taken off.
 */
const bytesPerToken = 4 * 1024;

type Answer = (answer: Acknowledgement<unknown>) => void;

/**
 * Takes one packet of a client to its handler and its answer back: the only place that knows limits of a connection,
 * acknowledgements and the mapping of errors. It never throws, whatever the client sent, and answers exactly once where
 * the client asked for an acknowledgement.
 */
export async function dispatch(options: DispatchOptions, event: unknown, args: readonly unknown[]): Promise<void> {
  const last = args.at(-1);
  const answer = typeof last === "function" ? (last as Answer) : undefined;
  const acknowledgement = await outcome(options, event, answer === undefined ? args : args.slice(0, -1));
  try {
    const bytes =
      answer === undefined
        ? unansweredBytes(event, acknowledgement)
        : options.outgoing.measure(() => answer(acknowledgement));
    if (isPageRead(event) && answer !== undefined) options.pace.note(bytes);
    payerOf(options, event).charge(Math.max(0, Math.floor(bytes / bytesPerToken) - costOf(event)));
  } catch (error) {
    options.logger.error({ event, err: error }, "answer failed");
  }
}

/** A page is paid for whether its reader wanted an answer or not: it was read. */
function unansweredBytes(event: unknown, acknowledgement: Acknowledgement<unknown>): number {
  return isPageRead(event) ? Buffer.byteLength(JSON.stringify(acknowledgement)) : 0;
}

async function outcome(
  options: DispatchOptions,
  event: unknown,
  payloads: readonly unknown[],
): Promise<Acknowledgement<unknown>> {
  try {
    return { ok: true, data: await carryOut(options, event, payloads) };
  } catch (error) {
    options.telemetry.refused("socket", error);
    if (!(error instanceof RequestError)) options.logger.error({ event, err: error }, "request failed");
    return { ok: false, error: toWireError(error) };
  }
}

function payerOf({ limiter, readTokens }: DispatchOptions, event: unknown): Pick<ReadTokens, "take" | "charge"> {
  return isPageRead(event) ? readTokens : limiter;
}

/** Runs up to the handler without awaiting, so that the order of packets is the order in which handlers start. */
function carryOut(options: DispatchOptions, event: unknown, payloads: readonly unknown[]): unknown {
  const cost = costOf(event) + Math.floor(incomingBytes(payloads) / bytesPerToken);
  const waitMs = payerOf(options, event).take(cost);
  if (waitMs > 0) {
    throw new OverLimit("requests per second", "RATE_LIMITED", "this connection sends too many requests", waitMs);
  }
  return options.requests.carryOutEvent(options.caller, event, payloads);
}
