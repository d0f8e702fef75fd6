import type { MiddlewareHandler } from "hono";
import { RequestError } from "../errors.ts";

/**
 * Refuses asynchronous invocations. Function Compute obeys `X-Fc-Invocation-Type: Async` of any caller, answers 202, and
 * sends the request later, after a failure again, for hours: long after its caller has given it up, and after the ids of
 * messages are forgotten, so that a repeat would be stored twice. FORBIDDEN is an answer after which nothing is repeated.
 */
export const refuseAsynchronous: MiddlewareHandler = async (context, next) => {
  if (context.req.header("x-fc-invocation-type")?.toLowerCase() === "async") {
    throw new RequestError("FORBIDDEN", "asynchronous invocations are refused: call without X-Fc-Invocation-Type");
  }
  await next();
};
