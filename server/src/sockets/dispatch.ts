import { type Acknowledgement, type RequestName, requests } from "@holdfast/client/protocol";
import type { Logger } from "pino";
import type { ApplicationHandlers } from "../application/handlers.ts";
import { RequestError, toWireError } from "../errors.ts";
import { parsePayload } from "../parse.ts";
import type { Caller } from "../requests/caller.ts";
import type { RequestHandlers } from "../requests/table.ts";
import type { TokenBucket } from "../token-bucket.ts";
import type { Outgoing } from "./outgoing.ts";
import type { ReadTokens } from "./read-tokens.ts";
import type { ReaderPace } from "./reader-pace.ts";

export interface DispatchOptions {
  readonly handlers: RequestHandlers;
  readonly application: ApplicationHandlers;
  readonly caller: Caller;
  readonly limiter: TokenBucket;
  /** What pays for a request that may be answered with a page of the log. */
  readonly readTokens: Pick<ReadTokens, "take" | "charge">;
  readonly pace: Pick<ReaderPace, "note">;
  readonly outgoing: Pick<Outgoing, "measure">;
  readonly logger: Logger;
}

/** What a request counts for in the connection's limit, where it may be answered with a whole page of the log. */
const requestCosts: Partial<Record<RequestName, number>> = { "room:join": 10, "history:read": 10 };
/** Bytes of an answer that cost one token of the connection's limit. What the request has cost is taken off. */
const bytesPerToken = 4 * 1024;

type Answer = (answer: Acknowledgement<unknown>) => void;

/**
 * Takes one packet of a client to its handler and its answer back: the only place that knows parsing, limits,
 * acknowledgements and the mapping of errors. It never throws, whatever the client sent, and answers exactly once
 * where the client asked for an acknowledgement.
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
    if (isRead(event) && answer !== undefined) options.pace.note(bytes);
    payerOf(options, event).charge(Math.max(0, Math.floor(bytes / bytesPerToken) - costOf(event)));
  } catch (error) {
    options.logger.error({ event, err: error }, "answer failed");
  }
}

/** A page is paid for whether its reader wanted an answer or not: it was read. */
function unansweredBytes(event: unknown, acknowledgement: Acknowledgement<unknown>): number {
  return isRead(event) ? Buffer.byteLength(JSON.stringify(acknowledgement)) : 0;
}

async function outcome(
  options: DispatchOptions,
  event: unknown,
  args: readonly unknown[],
): Promise<Acknowledgement<unknown>> {
  try {
    return { ok: true, data: await handle(options, event, args) };
  } catch (error) {
    if (!(error instanceof RequestError)) options.logger.error({ event, err: error }, "request failed");
    return { ok: false, error: toWireError(error) };
  }
}

function costOf(event: unknown): number {
  return (isRequestName(event) ? requestCosts[event] : undefined) ?? 1;
}

/** Whether the answer may hold a page of the log. */
function isRead(event: unknown): boolean {
  return costOf(event) > 1;
}

function payerOf({ limiter, readTokens }: DispatchOptions, event: unknown): Pick<ReadTokens, "take" | "charge"> {
  return isRead(event) ? readTokens : limiter;
}

/** Runs up to the handler without awaiting, so that the order of packets is the order in which handlers start. */
function handle(options: DispatchOptions, event: unknown, args: readonly unknown[]): unknown {
  const { handlers, application, caller } = options;
  const waitMs = payerOf(options, event).take(costOf(event));
  if (waitMs > 0) throw new RequestError("RATE_LIMITED", "this connection sends too many requests", waitMs);
  const isOwn = application.hasRequest(event);
  if (!isRequestName(event) && !isOwn) {
    throw new RequestError(
      "UNKNOWN_EVENT",
      `expected one of ${Object.keys(requests).join(", ")}, got ${JSON.stringify(event)?.slice(0, 64)}`,
    );
  }
  if (args.length > 1) throw new RequestError("INVALID_PAYLOAD", `expected one payload, got ${args.length}`);
  return isRequestName(event)
    ? callHandler(handlers, caller, event, args[0])
    : application.request(caller.from, event, args[0]);
}

function callHandler<Name extends RequestName>(
  handlers: RequestHandlers,
  caller: Caller,
  name: Name,
  payload: unknown,
): unknown {
  const handler: (caller: Caller, payload: never) => unknown = handlers[name];
  return handler(caller, parsePayload(name, payload) as never);
}

/** Socket.IO lets a number pass for an event's name, too. */
function isRequestName(event: unknown): event is RequestName {
  return typeof event === "string" && Object.hasOwn(requests, event);
}
