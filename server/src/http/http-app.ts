import { Hono } from "hono";
import type { Logger } from "pino";
import { toWireError } from "../errors.ts";
import { httpStatus } from "./http-status.ts";

export interface HttpParts {
  readonly health: Hono;
  readonly roomApi: Hono | undefined;
  readonly platformHooks: Hono | undefined;
  /** HTML of the application, served at `/`. */
  readonly page: string | undefined;
  readonly logger: Logger;
}

/** Puts the HTTP routes together; every error leaves as JSON with the codes that the socket uses. */
export function createHttpApp({ health, roomApi, platformHooks, page, logger }: HttpParts): Hono {
  const app = new Hono();
  app.route("/", health);
  if (platformHooks !== undefined) app.route("/", platformHooks);
  if (roomApi !== undefined) app.route("/", roomApi);
  if (page !== undefined) app.get("/", (context) => context.html(page));
  app.notFound((context) =>
    context.json({ error: { code: "NOT_FOUND", message: "no such route", retryable: false } }, 404),
  );
  app.onError((error, context) => {
    const wireError = toWireError(error);
    if (wireError.code === "INTERNAL") logger.error({ err: error, path: context.req.path }, "http request failed");
    if (wireError.retryAfterMs !== undefined)
      context.header("Retry-After", String(Math.ceil(wireError.retryAfterMs / 1000)));
    return context.json({ error: wireError }, httpStatus[wireError.code]);
  });
  return app;
}
