import { Hono } from "hono";
import type { Availability } from "../availability.ts";

/** `GET /healthz`: 200 while this instance can serve, 503 while it drains or Redis is away. */
export function createHealth(availability: Pick<Availability, "isDraining" | "isRedisUp">): Hono {
  return new Hono().get("/healthz", (context) => {
    const redis = availability.isRedisUp ? "up" : "away";
    const status = availability.isDraining ? "draining" : redis === "up" ? "ok" : "unavailable";
    return context.json({ status, redis }, status === "ok" ? 200 : 503);
  });
}
