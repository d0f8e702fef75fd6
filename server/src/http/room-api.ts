import { createHash, timingSafeEqual } from "node:crypto";
import { limits } from "@holdfast/client/protocol";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import { RequestError } from "../errors.ts";
import { trustedCaller } from "../requests/caller.ts";
import type { Requests } from "../requests/carry-out.ts";

export interface RoomApiParts {
  readonly requests: Requests;
  /** The bearer token to ask for; undefined asks for none. */
  readonly bearerToken: string | undefined;
  /**
   * How long ago this process woke from a sleep. Undefined on Function Compute: there an instance is frozen only while it
   * has no request, and thawed by one, so no request waits through a sleep, and the first one after it is to be served.
   */
  readonly sinceWakeMs: (() => number) | undefined;
}

/**
 * For this long after a sleep a request may be one that has been lying in a buffer, and that its sender has given up. Its
 * connection does not show that: one that was opened during the sleep is accepted after it.
 */
const doubtfulAfterWakeMs = 1_000;

/** The caller of every HTTP request: a back end that acts for no user. */
const backEnd = trustedCaller();
/** The envelope around `data` is small; what is larger than this is refused before it is parsed. */
const bodyBytes = 2 * limits.dataBytes;

/**
 * `POST /rooms/:room/messages` with `{ id, event, data }` and `GET /rooms/:room/messages?after=&before=&limit=`: the
 * same rows of the request table as over the socket, for other functions and back ends.
 */
export function createRoomApi({ requests, bearerToken, sinceWakeMs }: RoomApiParts): Hono {
  const api = new Hono();
  api.use("/rooms/:room/messages", async (context, next) => {
    if (bearerToken !== undefined) requireBearer(context, bearerToken);
    await next();
  });
  const tooLarge = () => {
    throw new RequestError("PAYLOAD_TOO_LARGE", `expected a body of at most ${bodyBytes} bytes`);
  };
  api.post("/rooms/:room/messages", bodyLimit({ maxSize: bodyBytes, onError: tooLarge }), async (context) => {
    const body = await jsonObject(context);
    if (sinceWakeMs !== undefined) refuseDoubtful(sinceWakeMs());
    const payload = { ...body, room: context.req.param("room") };
    const data = await requests.carryOut(backEnd, "message:publish", payload, "request");
    return context.json(data, data.duplicate ? 200 : 201);
  });
  api.get("/rooms/:room/messages", async (context) => {
    const { limit, ...positions } = context.req.query();
    const payload = {
      ...positions,
      room: context.req.param("room"),
      ...(limit === undefined ? {} : { limit: Number(limit) }),
    };
    return context.json(await requests.carryOut(backEnd, "history:read", payload, "request"));
  });
  return api;
}

function refuseDoubtful(sinceWakeMs: number): void {
  const leftMs = Math.ceil(doubtfulAfterWakeMs - sinceWakeMs);
  if (leftMs > 0) throw new RequestError("UNAVAILABLE", "this server slept, and the request may be old", leftMs);
}

async function jsonObject(context: Context): Promise<object> {
  const body: unknown = await context.req.json().catch(() => undefined);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new RequestError("INVALID_PAYLOAD", "expected a JSON object { id, event, data }");
  }
  return body;
}

function requireBearer(context: Context, expected: string): void {
  const [, given] = /^Bearer (.+)$/i.exec(context.req.header("authorization") ?? "") ?? [];
  if (given === undefined || !equalInConstantTime(given, expected)) {
    throw new RequestError("UNAUTHENTICATED", "expected the header `Authorization: Bearer <ADMIN_TOKEN>`");
  }
}

function equalInConstantTime(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
