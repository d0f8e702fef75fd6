import { Hono } from "hono";
import { RequestError } from "../errors.ts";

export interface PlatformHooksParts {
  /** Connects and loads what the first request would otherwise wait for, and serves (again). */
  readonly initialize: () => Promise<void>;
  /** Asks the clients to move; resolves when they have, or when the drain time is over. */
  readonly preStop: () => Promise<void>;
}

/**
 * Function Compute's lifecycle hooks: `POST /initialize` when an instance is created, and perhaps when it is thawed;
 * `GET /pre-stop` before it is destroyed, and perhaps before it is frozen. The same paths can be reached through the
 * trigger, where the platform sets `x-fc-control-path` to `/http-invoke`, or to `/invoke`: those are refused like every
 * path that does not exist. What the header says on a true pre-stop is documented nowhere, so everything else is believed.
 */
export function createPlatformHooks({ initialize, preStop }: PlatformHooksParts): Hono {
  const hooks = new Hono();
  hooks.post("/initialize", async (context) => {
    if (cameThroughTrigger(context.req.header("x-fc-control-path"))) return context.notFound();
    await initialize().catch((error: unknown) => {
      // Redis was there when this process started; until it is back, requests answer UNAVAILABLE.
      if (!(error instanceof RequestError)) throw error;
    });
    return context.json({ status: "initialized" });
  });
  hooks.get("/pre-stop", async (context) => {
    if (cameThroughTrigger(context.req.header("x-fc-control-path"))) return context.notFound();
    await preStop();
    return context.json({ status: "drained" });
  });
  return hooks;
}

/** Whether the platform says that a caller from outside made this request. */
export function cameThroughTrigger(controlPath: string | string[] | undefined): boolean {
  return controlPath === "/http-invoke" || controlPath === "/invoke";
}
