import { type Refusal, refusals } from "./refusals.ts";

/** The HTTP trigger's published limits, in bytes. */
export const gatewayLimits = {
  /** Names and values of all request headers. */
  requestHeaderBytes: 8 * 1024,
  /** Path with query. */
  pathBytes: 4 * 1024,
  requestBodyBytes: 32 * 1024 * 1024,
  /** Names and values of all response headers. */
  responseHeaderBytes: 8 * 1024,
} as const;

/** Bytes of a flat list of names and values, as `rawHeaders` has them. */
export function headerBytes(rawHeaders: readonly string[]): number {
  return rawHeaders.reduce((sum, part) => sum + Buffer.byteLength(part, "latin1"), 0);
}

/** What is wrong with a request's head, or null. The body's announced length counts; one without is counted later. */
export function judgeHead(head: {
  readonly url: string;
  readonly rawHeaders: readonly string[];
  readonly contentLength: number | null;
}): Refusal | null {
  const bytes = headerBytes(head.rawHeaders);
  if (bytes > gatewayLimits.requestHeaderBytes) {
    return refusals.headersTooLarge(bytes, gatewayLimits.requestHeaderBytes);
  }
  const pathBytes = Buffer.byteLength(head.url);
  if (pathBytes > gatewayLimits.pathBytes) return refusals.pathTooLong(pathBytes, gatewayLimits.pathBytes);
  if (head.contentLength !== null && head.contentLength > gatewayLimits.requestBodyBytes) {
    return refusals.bodyTooLarge(gatewayLimits.requestBodyBytes);
  }
  return null;
}
