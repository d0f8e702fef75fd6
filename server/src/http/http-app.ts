import { Hono } from "hono";
import type { Logger } from "pino";
import type { Routes } from "../application/application.ts";
import { toWireError } from "../errors.ts";
import { httpStatus } from "./http-status.ts";
import type { CallerEnv } from "./room-api.ts";

export interface HttpParts {
  readonly health: Hono;
  readonly roomApi: Hono<CallerEnv> | undefined;
  readonly adminApi: Hono | undefined;
  readonly platformHooks: Hono | undefined;
  /** The application's own routes, asked where none of ours matches. */
  readonly routes: Routes | undefined;
  /** HTML of the application, served at `/`. */
  readonly page: string | undefined;
  readonly logger: Logger;
}

/** Puts the HTTP routes together; every error leaves as JSON with the codes that the socket uses. */
export function createHttpApp({ health, roomApi, adminApi, platformHooks, routes, page, logger }: HttpParts): Hono {
  const app = new Hono();
  app.route("/", health);
  if (platformHooks !== undefined) app.route("/", platformHooks);
  if (adminApi !== undefined) app.route("/", adminApi);
  if (roomApi !== undefined) app.route("/", roomApi);
  if (routes !== undefined) {
    app.use("*", async (context, next) => {
      const response = await routes.fetch(context.req.raw);
      if (response.status !== 404) return response;
      await response.body?.cancel();
      return next();
    });
  }
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
