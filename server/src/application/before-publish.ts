import { limits } from "@holdfast/client/protocol";
import { RequestError } from "../errors.ts";
import type { Application, HookContext, PublishAttempt } from "./application.ts";
import { jsonOf, requireEncodable } from "./checked-data.ts";
import { runHook, Turns } from "./hooks.ts";

/**
 * Asks the application about a publish, and stores it in the same turn, so that one session's publishes in one room are
 * asked about and stored in order. `store` gets the JSON of the data that the application has put in place of the
 * client's, or undefined. Throws what the application refuses with, and UNAVAILABLE where its turn comes too late.
 */
export type BeforePublish = <Stored>(
  attempt: PublishAttempt,
  store: (changedJson: string | undefined) => Promise<Stored>,
) => Promise<Stored>;

/** What waited for longer than this cannot be answered before its sender gives it up: the hook and the log take time, too. */
const longestWaitMs = limits.acknowledgementTimeoutMs - 500;

/** Undefined where the application has no `beforePublish`. */
export function createBeforePublish<C>(
  { beforePublish }: Pick<Application<C>, "beforePublish">,
  context: Pick<HookContext<C>, "server" | "logger">,
): BeforePublish | undefined {
  if (beforePublish === undefined) return undefined;
  const turns = new Turns();
  return (attempt, store) => {
    const askedAtMs = performance.now();
    return turns.take(`${attempt.session ?? `of ${attempt.user}`} ${attempt.room}`, async () => {
      // Its sender gives this attempt up; what waits for a slow hook must not be stored ever later.
      if (performance.now() - askedAtMs > longestWaitMs) {
        throw new RequestError("UNAVAILABLE", "earlier publishes took the application's beforePublish too long");
      }
      const changed = await runHook("beforePublish", context, (hook) => beforePublish(attempt, hook));
      return store(changed === undefined ? undefined : changedJson(attempt.event, changed));
    });
  };
}

/** What beforePublish returned is not parsed again, but only JSON can be stored: anything else is the application's fault. */
function changedJson(event: string, changed: unknown): string {
  try {
    requireEncodable(changed, { binary: "refused" });
    if (JSON.stringify(changed) === undefined) throw new Error(`expected JSON, got a ${typeof changed}`);
  } catch (cause) {
    throw new Error(`beforePublish returned for ${event} what is not JSON`, { cause });
  }
  return jsonOf(changed);
}
