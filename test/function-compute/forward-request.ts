import { type IncomingMessage, request, type ServerResponse } from "node:http";
import { pipeline, Transform } from "node:stream";
import { atDeadline } from "./deadline.ts";
import { platformHeaders, requestHeaders, responseHeaders } from "./headers.ts";
import { type Instance, instanceHost } from "./instance.ts";
import { gatewayLimits, headerBytes } from "./limits.ts";
import { type Refusal, refusals } from "./refusals.ts";
import type { Admission } from "./trigger-auth.ts";

/** How a plain request ended: with an answer of the instance, with one of the gateway, or not at all. */
export type RequestEnd =
  | { readonly kind: "answered"; readonly status: number }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "timed-out" }
  | { readonly kind: "client-gone" };

export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly instance: Instance;
  readonly admission: Admission;
  readonly requestId: string;
}

const processExited: RequestEnd = {
  kind: "refused",
  refusal: refusals.brokenAnswer("Process exited unexpectedly before completing request"),
};
/** Above the limits that are checked here, so that the gateway's own answer is given instead of the parser's. */
export const PARSER_HEADER_BYTES = 128 * 1024;

/** Passes one plain request on to an instance and its answer back, within the function's timeout. Does not reject. */
export async function forwardRequest(exchange: Exchange): Promise<RequestEnd> {
  const { instance, incoming, outgoing } = exchange;
  const { timeoutSeconds } = instance.version.settings;
  const deadline = new AbortController();
  const clientGone = new AbortController();
  const timer = atDeadline(timeoutSeconds, () => deadline.abort());
  const onClose = () => {
    if (!outgoing.writableFinished) clientGone.abort();
  };
  outgoing.once("close", onClose);
  if (outgoing.destroyed) clientGone.abort();
  const signal = AbortSignal.any([deadline.signal, clientGone.signal]);
  try {
    // A request that can be repeated is sent again when a connection of the pool turns out to be dead; a POST is not.
    const repeatable = isRepeatable(incoming);
    const stale = instance.connections.takeStale();
    if (stale && !repeatable && instance.version.settings.stalePost === "fails") return processExited;
    let outcome = await attempt(exchange, signal, repeatable);
    if (outcome === "dead-connection" && repeatable) outcome = await attempt(exchange, signal, repeatable);
    if (deadline.signal.aborted) return { kind: "timed-out" };
    if (clientGone.signal.aborted) return { kind: "client-gone" };
    return outcome === "dead-connection" ? processExited : outcome;
  } finally {
    clearTimeout(timer);
    outgoing.off("close", onClose);
  }
}

function isRepeatable({ method = "", headers }: IncomingMessage): boolean {
  const hasBody = headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
  return ["GET", "HEAD", "OPTIONS", "TRACE"].includes(method) && !hasBody;
}

async function attempt(
  exchange: Exchange,
  signal: AbortSignal,
  withoutBody: boolean,
): Promise<RequestEnd | "dead-connection"> {
  const { incoming, outgoing, instance, admission, requestId } = exchange;
  const { settings } = instance.version;
  return new Promise((resolve) => {
    const upstream = request({
      host: instanceHost,
      port: instance.port,
      method: incoming.method ?? "GET",
      path: admission.url,
      headers: [
        ...requestHeaders(incoming.rawHeaders, settings),
        ...admission.extraHeaders,
        ...platformHeaders(settings, {
          id: requestId,
          controlPath: "/http-invoke",
          kind: "plain",
          rawHeaders: incoming.rawHeaders,
        }),
      ],
      agent: instance.connections.agent,
      maxHeaderSize: PARSER_HEADER_BYTES,
      signal,
    });
    const refuse = (refusal: Refusal) => {
      upstream.destroy();
      resolve({ kind: "refused", refusal });
    };
    // A failure after the answer has begun is the pipeline's; then this settles nothing any more.
    upstream.on("error", () => resolve(upstream.reusedSocket ? "dead-connection" : processExited));
    upstream.once("response", (answer) => {
      const status = answer.statusCode ?? 502;
      const bytes = headerBytes(answer.rawHeaders);
      if (bytes > gatewayLimits.responseHeaderBytes) {
        refuse(refusals.brokenAnswer(`the response headers have ${bytes} bytes`));
        return;
      }
      if (settings.domain === "default" && status >= 300 && status < 400) {
        refuse(refusals.redirectForbidden());
        return;
      }
      const origin = incoming.headers.origin ?? null;
      const headers = responseHeaders(answer.rawHeaders, { requestId, origin, settings });
      outgoing.writeHead(status, answer.statusMessage ?? "", headers);
      pipeline(answer, outgoing, () => resolve({ kind: "answered", status }));
    });
    if (withoutBody) {
      incoming.resume();
      upstream.end();
      return;
    }
    const limit = limitBody();
    limit.once("error", () => {
      incoming.unpipe(limit);
      incoming.resume();
      refuse(refusals.bodyTooLarge(gatewayLimits.requestBodyBytes));
    });
    incoming.pipe(limit).pipe(upstream);
  });
}

/** Lets a body pass up to the limit, and fails beyond. */
function limitBody(): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > gatewayLimits.requestBodyBytes) done(new Error("the body is too large"));
      else done(null, chunk);
    },
  });
}
