import type { Emitter } from "./events.ts";
import { watchHealth } from "./health-check.ts";
import { callHook } from "./lifecycle.ts";
import type { Entry } from "./pool-entry.ts";
import type { HealthCheckSettings } from "./settings.ts";

/** Notes and tells each turn of an instance's health, for as long as it lives. */
export function tellHealth({ instance, life }: Entry, healthCheck: HealthCheckSettings, events: Emitter): void {
  const turn = (healthy: boolean) => {
    instance.healthy = healthy;
    events.emit("instance:health", { instanceId: instance.id, healthy });
  };
  // The watch ends by the abort of the instance's life, and by nothing else.
  watchHealth(instance, healthCheck, life.signal, turn).catch(() => undefined);
}

/** The planned end of an instance that is not frozen: no new requests, its pre-stop hook, then the end of its process. */
export async function takeDown({ instance, life, gone }: Entry, events: Emitter): Promise<void> {
  const { preStop } = instance.version.settings;
  const wasUp = instance.state !== "starting" && instance.state !== "gone";
  instance.state = "stopping";
  if (preStop && wasUp) {
    try {
      await callHook(instance, "preStop", preStop);
    } catch (error) {
      events.emit("instance:output", { instanceId: instance.id, line: String(error) });
    }
  }
  life.abort();
  instance.kill();
  await gone;
}
