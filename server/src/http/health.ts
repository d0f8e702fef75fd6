import { Hono } from "hono";
import type { Availability } from "../availability.ts";

/**
 * `GET /healthz`: 200 as long as this instance takes clients, 503 while it drains. That Redis is away does not make it
 * unhealthy: a platform would start other instances, which cannot help, and send nobody to this one when Redis is back.
 * `GET /readyz` answers 503 without Redis, too, for whoever waits until everything works.
 */
export function createHealth(availability: Pick<Availability, "isDraining" | "isRedisUp">): Hono {
  const redis = () => (availability.isRedisUp ? "up" : "away");
  return new Hono()
    .get("/healthz", (context) => {
      const { isDraining } = availability;
      return context.json({ status: isDraining ? "draining" : "ok", redis: redis() }, isDraining ? 503 : 200);
    })
    .get("/readyz", (context) => {
      const { isDraining, isRedisUp } = availability;
      const status = isDraining ? "draining" : isRedisUp ? "ok" : "unavailable";
      return context.json({ status, redis: redis() }, status === "ok" ? 200 : 503);
    });
}
