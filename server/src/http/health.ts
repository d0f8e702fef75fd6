import { Hono } from "hono";

export interface HealthParts {
  readonly isDraining: () => boolean;
  readonly isRedisUp: () => boolean;
}

/** `GET /healthz`: 200 while this instance can serve, 503 while it drains or Redis is away. */
export function createHealth({ isDraining, isRedisUp }: HealthParts): Hono {
  return new Hono().get("/healthz", (context) => {
    const redis = isRedisUp() ? "up" : "away";
    const status = isDraining() ? "draining" : redis === "up" ? "ok" : "unavailable";
    return context.json({ status, redis }, status === "ok" ? 200 : 503);
  });
}
