import type { ServerErrorCode } from "@holdfast/client/protocol";

/** The HTTP status that goes with each error code. */
export const httpStatus = {
  INVALID_PAYLOAD: 400,
  UNKNOWN_EVENT: 400,
  UNSUPPORTED_PROTOCOL: 400,
  UNAUTHENTICATED: 401,
  TOKEN_EXPIRED: 401,
  FORBIDDEN: 403,
  NOT_JOINED: 403,
  ROOM_LIMIT: 409,
  OUT_OF_ORDER: 409,
  PAYLOAD_TOO_LARGE: 413,
  RATE_LIMITED: 429,
  SERVER_FULL: 503,
  DRAINING: 503,
  UNAVAILABLE: 503,
  INTERNAL: 500,
} as const satisfies Record<ServerErrorCode, number>;
