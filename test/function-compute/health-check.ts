import { setTimeout as delay } from "node:timers/promises";
import { askInstance } from "./ask-instance.ts";
import type { Instance } from "./instance.ts";
import type { HealthCheckSettings } from "./settings.ts";

export interface Health {
  readonly healthy: boolean;
  /** Checks in a row that speak against the present state. */
  readonly contrary: number;
}

/** What an instance's health is after one more check: it turns only after as many in a row as the thresholds say. */
export function healthAfter(
  health: Health,
  passed: boolean,
  thresholds: Pick<HealthCheckSettings, "failureThreshold" | "successThreshold">,
): Health {
  if (passed === health.healthy) return { healthy: health.healthy, contrary: 0 };
  const contrary = health.contrary + 1;
  const needed = passed ? thresholds.successThreshold : thresholds.failureThreshold;
  return contrary >= needed ? { healthy: passed, contrary: 0 } : { healthy: health.healthy, contrary };
}

/** One check: 200 to 399 within the time-out is healthy. */
export async function probe(instance: Instance, settings: HealthCheckSettings): Promise<boolean> {
  const question = { method: "GET", path: settings.httpGetUrl, headers: [], timeoutMs: settings.timeoutSeconds * 1000 };
  try {
    const status = await askInstance(instance, { ...question, method: "GET" });
    return status >= 200 && status <= 399;
  } catch {
    // Whatever went wrong on the way to an answer, the check has failed.
    return false;
  }
}

/** Checks an instance for as long as it lives. A frozen one cannot answer and is left alone. */
export async function watchHealth(
  instance: Instance,
  settings: HealthCheckSettings,
  signal: AbortSignal,
  onTurn: (healthy: boolean) => void,
): Promise<void> {
  let health: Health = { healthy: true, contrary: 0 };
  while (instance.state !== "gone") {
    await delay(settings.periodSeconds * 1000, undefined, { signal, ref: false });
    if (instance.state !== "running") continue;
    const { freezes } = instance;
    const passed = await probe(instance, settings);
    if (instance.freezes !== freezes) continue;
    const next = healthAfter(health, passed, settings);
    if (next.healthy !== health.healthy) onTurn(next.healthy);
    health = next;
  }
}
