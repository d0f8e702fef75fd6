/** An answer of the gateway itself, in place of the function's. */
export interface Refusal {
  readonly status: number;
  /** `ErrorCode` of the body. */
  readonly code: string;
  /** `ErrorMessage` of the body. */
  readonly message: string;
}

/** Carries a refusal out of an asynchronous step. */
export class RefusedError extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(`${refusal.status} ${refusal.code}: ${refusal.message}`);
    this.refusal = refusal;
  }
}

const refuse = (status: number, code: string, message: string): Refusal => ({ status, code, message });

/**
 * Every answer that the gateway gives by itself. Statuses and codes are those of the published tables ("Error codes"
 * and the HTTP trigger's troubleshooting page), where those name one.
 */
export const refusals = {
  headersTooLarge: (bytes: number, limit: number) =>
    refuse(400, "InvalidArgument", `the headers have ${bytes} bytes, at most ${limit} are allowed`),
  pathTooLong: (bytes: number, limit: number) =>
    refuse(400, "InvalidArgument", `path and query have ${bytes} bytes, at most ${limit} are allowed`),
  bodyTooLarge: (limit: number) =>
    refuse(400, "EntityTooLarge", `payload size exceeds maximum allowed size (${limit} bytes)`),
  malformed: (what: string) => refuse(400, "InvalidArgument", what),
  unauthenticated: (what: string) => refuse(400, "MissingRequiredHeader", what),
  forbidden: (what: string) => refuse(403, "AccessDenied", what),
  redirectForbidden: () =>
    refuse(400, "ExternalRedirectForbidden", "a 3xx answer is not allowed on the default domain, use a custom domain"),
  noTrigger: () => refuse(404, "TriggerNotFound", "the function has no HTTP trigger"),
  notStarted: (why: string) => refuse(412, "FunctionNotStarted", `the HTTP server cannot be started: ${why}`),
  /** The newer page: the caller gets a 200 whose header alone tells that nothing was done. */
  notInitialized: (why: string) => refuse(200, "FunctionNotStarted", `the initializer failed: ${why}`),
  internetDisabled: () => refuse(403, "AccessDenied", "access denied due to function internet URL is disable"),
  signatureTooOld: () =>
    refuse(403, "AccessDenied", "the Date header differs by more than 15 minutes from the server's time"),
  systemThrottled: () => refuse(503, "ResourceThrottled", "the system is throttling, try again later"),
  systemError: () => refuse(500, "InternalServerError", "an internal error has occurred, please retry"),
  exited: (why: string) => refuse(412, "CAExited", `the function either cannot be started or exited: ${why}`),
  throttled: (limit: string) => refuse(429, "ResourceExhausted", `all instances are busy: ${limit}`),
  internal: (what: string) => refuse(500, "InternalServerError", what),
  brokenAnswer: (why: string) => refuse(502, "UnhandledInvocationError", why),
  unhealthy: () => refuse(503, "ResourceThrottled", "no healthy instance takes this request: health checks fail"),
};

/** The `X-Fc-Error-Type` of a status: 200 is an instance that did not initialize, 502 is the function's fault, the others are not. */
export function errorType(status: number): string {
  if (status === 200) return "FunctionInitError";
  return status === 502 ? "UnhandledInvocationError" : "FcCommonError";
}
