import { createHash, timingSafeEqual } from "node:crypto";
import { handshakeAuth } from "@holdfast/client/protocol";
import type { HonoRequest, MiddlewareHandler } from "hono";
import { createMiddleware } from "hono/factory";
import type { Identify } from "../auth/identify.ts";
import { RequestError } from "../errors.ts";
import { type Caller, callerWithoutConnection, trustedCaller } from "../requests/caller.ts";

/** Finds out who sends a request. Throws UNAUTHENTICATED, TOKEN_EXPIRED, UNAVAILABLE and what the application refuses with. */
export type CallerOf = (request: HonoRequest) => Promise<Caller>;

export interface BearerParts {
  readonly adminToken: string | undefined;
  /** Whether a request without a token may do everything: on a developer's machine, where no ADMIN_TOKEN is set. */
  readonly isOpen: boolean;
  /** Undefined where everybody is anonymous: then no token names a user. */
  readonly identify: Pick<Identify, "request"> | undefined;
}

/** A back end, in nobody's name. */
const backEnd = trustedCaller();

/** Knows a caller by the header `Authorization: Bearer …`: the ADMIN_TOKEN, or a user's own token. */
export function createCallerOf({ adminToken, isOpen, identify }: BearerParts): CallerOf {
  return async (request) => {
    const given = bearerOf(request);
    if (adminToken !== undefined && given !== undefined && equalInConstantTime(given, adminToken)) return backEnd;
    if (isOpen && (given === undefined || identify === undefined)) return backEnd;
    if (given === undefined || identify === undefined) throw unauthenticated(adminToken, identify);
    const token = handshakeAuth.shape.token.safeParse(given);
    if (!token.success) throw new RequestError("UNAUTHENTICATED", "expected a token of at most 4096 characters");
    return callerWithoutConnection(
      await identify.request({ token: token.data, headers: request.header(), query: request.query() }),
    );
  };
}

/** Lets the ADMIN_TOKEN pass, and nobody else; everybody where the routes are open. Throws UNAUTHENTICATED. */
export function asAdmin({ adminToken, isOpen }: Pick<BearerParts, "adminToken" | "isOpen">): MiddlewareHandler {
  return createMiddleware(async (context, next) => {
    if (!isOpen) requireAdmin(context.req, adminToken);
    await next();
  });
}

function requireAdmin(request: HonoRequest, adminToken: string | undefined): void {
  const given = bearerOf(request);
  if (adminToken !== undefined && given !== undefined && equalInConstantTime(given, adminToken)) return;
  throw unauthenticated(adminToken, undefined);
}

function bearerOf(request: HonoRequest): string | undefined {
  return /^Bearer (.+)$/i.exec(request.header("authorization") ?? "")?.[1];
}

function unauthenticated(adminToken: string | undefined, identify: object | undefined): RequestError {
  const kinds = [
    ...(identify === undefined ? [] : ["a user's token"]),
    ...(adminToken === undefined ? [] : ["ADMIN_TOKEN"]),
  ];
  return new RequestError("UNAUTHENTICATED", `expected the header \`Authorization: Bearer <${kinds.join(" or ")}>\``);
}

function equalInConstantTime(a: string, b: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}
