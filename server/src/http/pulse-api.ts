import { Hono, type MiddlewareHandler } from "hono";
import { streamSSE } from "hono/streaming";
import type { Pulse } from "../pulse/pulse.ts";
import { pageHeaders } from "./page-headers.ts";

export interface PulseApiParts {
  /** Lets pass who may read the samples; the page is nothing without them, and asks for the token itself. */
  readonly admin: MiddlewareHandler;
  readonly pulse: Pick<Pulse, "name" | "watch" | "leave">;
}

/** `GET /pulse`: the live view. `GET /pulse/samples`: what it shows, as Server-Sent Events. */
export function createPulseApi({ admin, pulse }: PulseApiParts): Hono {
  const api = new Hono();
  api.get("/pulse", async (context) => {
    // Loaded when it is asked for: it is a good part of all that is served here, and most instances are never asked.
    const { default: page } = await import("../pulse/page/index.html");
    await pageHeaders(page)(context, async () => {
      context.res = context.html(page);
    });
    return context.res;
  });
  api.get("/pulse/samples", admin, (context) => {
    const watcher = pulse.watch();
    // Proxies that gather answers would hold every sample back.
    context.header("X-Accel-Buffering", "no");
    return streamSSE(context, async (stream) => {
      stream.onAbort(() => pulse.leave(watcher));
      await watcher.send((samples) => stream.writeSSE({ data: JSON.stringify({ by: pulse.name, samples }) }));
      pulse.leave(watcher);
      // What it has not read is not waited for.
      stream.abort();
    });
  });
  return api;
}
