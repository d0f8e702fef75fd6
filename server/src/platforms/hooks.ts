import { Hono } from "hono";
import { RequestError } from "../errors.ts";

export interface PlatformHooksParts {
  /** Connects and loads what the first request would otherwise wait for, and serves (again). */
  readonly initialize: () => Promise<void>;
  /** Asks the clients to move; resolves when they have, or when the drain time is over. */
  readonly preStop: () => Promise<void>;
}

/**
 * Function Compute's lifecycle hooks: `POST /initialize` before an instance's first request, `GET /pre-stop` before it
 * is destroyed. The platform marks them in `x-fc-control-path`; the same paths reached through the trigger carry
 * `/http-invoke` there, and are refused like every path that does not exist.
 */
export function createPlatformHooks({ initialize, preStop }: PlatformHooksParts): Hono {
  const hooks = new Hono();
  hooks.post("/initialize", async (context) => {
    if (context.req.header("x-fc-control-path") !== "/initialize") return context.notFound();
    await initialize().catch((error: unknown) => {
      // Redis was there when this process started; until it is back, requests answer UNAVAILABLE.
      if (!(error instanceof RequestError)) throw error;
    });
    return context.json({ status: "initialized" });
  });
  hooks.get("/pre-stop", async (context) => {
    if (context.req.header("x-fc-control-path") !== "/pre-stop") return context.notFound();
    await preStop();
    return context.json({ status: "drained" });
  });
  return hooks;
}
