import { limits } from "@holdfast/client/protocol";
import { type Context, Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { refuseDoubtful } from "../clock/doubtful.ts";
import { RequestError } from "../errors.ts";
import type { Caller } from "../requests/caller.ts";
import type { Requests } from "../requests/carry-out.ts";
import type { CallerOf } from "./bearer.ts";
import { jsonBody } from "./json-body.ts";

export interface RoomApiParts {
  readonly requests: Requests;
  readonly callerOf: CallerOf;
  /**
   * How long ago this process woke from a sleep. Undefined on Function Compute: there an instance is frozen only while it
   * has no request, and thawed by one, so no request waits through a sleep, and the first one after it is to be served.
   */
  readonly sinceWakeMs: (() => number) | undefined;
  /** The same for a shorter time, after which a signal is old. */
  readonly sinceStallMs: (() => number) | undefined;
}

/** The envelope around `data` is small; what is larger than this is refused before it is parsed. */
const bodyBytes = 2 * limits.dataBytes;

/**
 * `POST /rooms/:room/messages` with `{ id, event, data }`, `GET /rooms/:room/messages?after=&before=&limit=`, `GET
 * /rooms/:room/members?cursor=&limit=` and `POST /rooms/:room/signals` with `{ event, data }`: the same rows of the request
 * table as over the socket, for back ends, and for users with a token of theirs.
 */
export function createRoomApi({ requests, callerOf, sinceWakeMs, sinceStallMs }: RoomApiParts): Hono<CallerEnv> {
  const api = new Hono<CallerEnv>();
  // Before the body is read: a stranger's is not.
  // On these paths alone: others are the application's own.
  const withCaller = createMiddleware<CallerEnv>(async (context, next) => {
    context.set("caller", await callerOf(context.req));
    await next();
  });
  api.post("/rooms/:room/messages", withCaller, async (context) => {
    const body = await jsonObject(context, "{ id, event, data }");
    if (sinceWakeMs !== undefined) refuseDoubtful(sinceWakeMs());
    const payload = { ...body, room: context.req.param("room") };
    const data = await requests.carryOut(context.get("caller"), "message:publish", payload, "request");
    return context.json(data, data.duplicate ? 200 : 201);
  });
  api.get("/rooms/:room/messages", withCaller, async (context) => {
    const payload = pageAsked(context.req.param("room"), context.req.query());
    return context.json(await requests.carryOut(context.get("caller"), "history:read", payload, "request"));
  });
  api.post("/rooms/:room/signals", withCaller, async (context) => {
    const body = await jsonObject(context, "{ event, data }");
    if (sinceStallMs !== undefined) refuseDoubtful(sinceStallMs());
    const payload = { ...body, room: context.req.param("room") };
    return context.json(await requests.carryOut(context.get("caller"), "signal:send", payload, "request"));
  });
  api.get("/rooms/:room/members", withCaller, async (context) => {
    const payload = pageAsked(context.req.param("room"), context.req.query());
    return context.json(await requests.carryOut(context.get("caller"), "presence:list", payload, "request"));
  });
  return api;
}

/** What a request carries from the check of its token to its handler. */
export type CallerEnv = { Variables: { caller: Caller } };

/** The payload of a request for a page: a query's values are texts, and `limit` is a number. */
function pageAsked(room: string, { limit, ...range }: Record<string, string>): object {
  return { ...range, room, ...(limit === undefined ? {} : { limit: Number(limit) }) };
}

async function jsonObject(context: Context, expected: string): Promise<object> {
  const body = await jsonBody(context.req, bodyBytes);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new RequestError("INVALID_PAYLOAD", `expected a JSON object ${expected}`);
  }
  return body;
}
