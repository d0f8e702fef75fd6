import { Hono } from "hono";
import type { Logger } from "pino";
import type { Routes } from "../application/application.ts";
import { toWireError } from "../errors.ts";
import { refuseAsynchronous } from "../platforms/asynchronous.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import { httpStatus } from "./http-status.ts";
import { SlowBody } from "./json-body.ts";
import { pageHeaders } from "./page-headers.ts";
import type { CallerEnv } from "./room-api.ts";

export interface HttpParts {
  readonly health: Hono;
  readonly roomApi: Hono<CallerEnv> | undefined;
  readonly adminApi: Hono | undefined;
  readonly platformHooks: Hono | undefined;
  /** Whether the platform may hand requests on that their callers no longer wait for. */
  readonly mayBeAsynchronous: boolean;
  /** The application's own routes, asked where none of ours matches. */
  readonly routes: Routes | undefined;
  /** HTML of the application, served at `/`. */
  readonly page: string | undefined;
  readonly telemetry: Pick<Telemetry, "refused">;
  readonly logger: Logger;
}

/** The headers of the application's own answers are its own. */
type AppEnv = { Variables: { isAnsweredByApplication?: true } };

/** Asked for again at each load; but "no-store" would keep a page out of the browsers' back/forward cache. */
const pageLife = { "Cache-Control": "no-cache" };

/** Puts the HTTP routes together; every error leaves as JSON with the codes that the socket uses. */
export function createHttpApp(parts: HttpParts): Hono<AppEnv> {
  const { health, roomApi, adminApi, platformHooks, mayBeAsynchronous, routes, page, telemetry, logger } = parts;
  const app = new Hono<AppEnv>();
  app.use("*", async (context, next) => {
    await next();
    if (context.get("isAnsweredByApplication") === true) return;
    context.header("X-Content-Type-Options", "nosniff");
    // Answers are about one user's rights, or about a moment. A page says itself how long it is good.
    if (!context.res.headers.has("Cache-Control")) context.header("Cache-Control", "no-store");
  });
  app.route("/", health);
  if (platformHooks !== undefined) app.route("/", platformHooks);
  if (mayBeAsynchronous) app.use("*", refuseAsynchronous);
  if (adminApi !== undefined) app.route("/", adminApi);
  if (roomApi !== undefined) app.route("/", roomApi);
  if (routes !== undefined) {
    app.use("*", async (context, next) => {
      const response = await routes.fetch(context.req.raw);
      if (response.status !== 404) {
        context.set("isAnsweredByApplication", true);
        return response;
      }
      await response.body?.cancel();
      return next();
    });
  }
  if (page !== undefined) app.get("/", pageHeaders(page), (context) => context.html(page, 200, pageLife));
  app.notFound((context) =>
    context.json({ error: { code: "NOT_FOUND", message: "no such route", retryable: false } }, 404),
  );
  app.onError((error, context) => {
    const wireError = toWireError(error);
    telemetry.refused("http", error);
    if (wireError.code === "INTERNAL") logger.error({ err: error, path: context.req.path }, "http request failed");
    if (wireError.retryAfterMs !== undefined)
      context.header("Retry-After", String(Math.ceil(wireError.retryAfterMs / 1000)));
    if (!(error instanceof SlowBody)) return context.json({ error: wireError }, httpStatus[wireError.code]);
    // What else comes of its body is not waited for.
    context.header("Connection", "close");
    return context.json({ error: wireError }, 408);
  });
  return app;
}
